package books

import "strings"

// hostileTexts are inert test material: each has broken a program that showed it, stored it or exported it carelessly.
// They stand where a real bank sends free text, so that everything behind the connection can be proved against them.
var hostileTexts = []string{
	`<script>alert("payee")</script>`,
	`"><img src=x onerror=alert(1)>`,
	`' onmouseover='alert(1)`,
	`</textarea></title></style><svg onload=alert(1)>`,
	`javascript:alert(document.domain)`,
	`{{7*7}} ${7*7} <%= 7*7 %> #{7*7}`,
	`</script><!--`,
	`<a href="//example.com" style="position:fixed;inset:0">you</a>`,
	`&lt;b&gt;already escaped&lt;/b&gt; &amp;amp; &#x3c;`,
	`Robert'); DROP TABLE accounts;--`,
	`" OR "1"="1`,
	`=1+1+cmd|' /C calc'!A0`,
	`+1+1`, `-1+1`, `@SUM(1+1)`, "\t=1+1", "\r=1+1",
	`a,b;"c"` + "\nsecond line\r\nthird",
	`../../../../etc/passwd`, `C:\Windows\win.ini`, `%2e%2e%2f%00`, `%s%s%n %d`,
	"\u202egnp.eciovni\u202c", "\u2066abc\u2069 def", "م\u200fرحبا بالعالم", "שלום, payee",
	"zero\u200bwidth\u200dspace\ufeff", "soft\u00adhyphen", "\u2800", " \u00a0leading and trailing\u2003 ",
	"Z\u0335\u0321a\u0336\u0322l\u0337\u0323g\u0338\u0324o\u0335\u0325 t\u0336\u0326e\u0337x\u0338t\u0335",
	"👩‍👩‍👧‍👦🏳️‍🌈🇪🇺 1️⃣", "田中さんにあげて下さい", "ﷺﷺﷺ", "Ⅷ ﬁ ½ ㎏ K", "İstanbul ı ß ẞ",
	"nul\x00byte", "bell\a esc\x1b[31m del\x7f", "line\u2028separator\u2029", "\ufffd\uffff",
	"null", "undefined", "NaN", "true", "None", "-0", "1e1000", "0x1F", "1/0", "2026-02-30", "",
	strings.Repeat("very long ", 200), strings.Repeat("W", 1000), strings.Repeat("<b>", 300),
	"Set-Cookie: session=1\r\n\r\nX", "{\"a\":[}", "--> ]]> */", "https://example.com/?q=<>&\"'",
}

func hostile(n int) string { return hostileTexts[n%len(hostileTexts)] }
