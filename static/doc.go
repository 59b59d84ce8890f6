// Package static holds the files a browser asks for: style sheet, scripts, font and icons, embedded in the binary.
//
// URL("app.css") is the address with a hash of the content in it, so that a browser may keep the file for ever; the same
// file under its plain name is checked again each time. What gains by it is compressed once, at start.
//
// app.css is built from input.css by `make css`. inter.woff2 is npm's @fontsource-variable/inter 5.3.0
// (files/inter-latin-opsz-normal.woff2), cut by npm's subset-font to Latin-1 and a few signs and to weights 400 to 600:
// 43 kB instead of 73. The licences of what others wrote are in licences.txt.
package static
