// Package components holds each part that pages are made of, once: markup in templates, and the words for money, dates
// and durations in format.go. Pages format nothing themselves.
//
// A time that is shown is shown in the zone of `now`, which every formatting function takes: the moment of the request
// in the person's own zone. Nothing here reads a clock.
package components
