// Package emails writes Dashtam's letters. Each is one value, from which the text and the HTML are made, so that both
// always say the same. Every link stands alone on a line of the text. No letter holds anything a stranger typed.
package emails
