package actor

import "strings"

// word is a word of User-Agent headers and what it means. The first that is found counts: Edge says Chrome, and Chrome
// says Safari.
type word struct{ said, means string }

var (
	browsers = [...]word{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Vivaldi/", "Vivaldi"}, {"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
	}
	systems = [...]word{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"CrOS", "Chromebook"},
		{"Mac OS X", "Mac"}, {"Linux", "Linux"},
	}
)

// Device says in words what a User-Agent header claims, "Firefox on Mac". Anybody can claim anything: it helps somebody
// to know their own devices again and decides nothing. Nothing of the header itself is in it.
func Device(agent string) string {
	browser, system := find(browsers[:], agent), find(systems[:], agent)
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser != "":
		return browser
	case system != "":
		return "An unknown browser on " + system
	case strings.HasPrefix(agent, "curl/"):
		return "curl"
	}
	return "An unknown program"
}

func find(words []word, agent string) string {
	for _, w := range words {
		if strings.Contains(agent, w.said) {
			return w.means
		}
	}
	return ""
}
