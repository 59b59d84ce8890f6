// Package profile remembers how long operations took: the founding document's "Current Performance Profile", live. It
// keeps the last five minutes in slots of ten seconds and the last 24 hours in slots of fifteen minutes, each slot a
// histogram of 8 buckets an octave, so a quantile is at most an eighth off, and half a second and a second are bucket
// edges: "over 500 ms" and "over 1 s" are exact.
//
// Everything is in memory and of one size from the start, 130 KB an operation, 2.8 MB in all (BenchmarkNew), whatever
// happens. Observing adds to counters and takes no lock but once a slot (BenchmarkObserve: 0.1 µs). Nothing here is about
// a person, and a restart forgets it. A nil *Profile observes nothing, so that tests and commands need none.
package profile
