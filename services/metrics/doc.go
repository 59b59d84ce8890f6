// Package metrics keeps the figures that the operator's own listener serves at /metrics, in Prometheus's form. It never
// stands on the public listener (AZ-7), and no label holds anything a client can make up: routes are patterns of the
// table of routes.
//
// What a long computation costs everybody else is go_sched_latencies_seconds, from runtime/metrics.
package metrics
