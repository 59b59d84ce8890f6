// Command dashtam is the whole program: configuration from the environment, the commands, and the wiring of services,
// pages and listeners. It decides nothing about money, banks or people.
//
// run is main without the process: tests start it with an environment of their own.
package main
