package metrics

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"dashtam/services/hashpool"
	"dashtam/services/jobs"
	"dashtam/services/postgres"
)

// Config is what is looked at when somebody asks for the figures.
type Config struct {
	Pool   *postgres.Pool
	Hashes *hashpool.Pool
}

// Metrics counts and serves.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	logins   *prometheus.HistogramVec
	jobs     *prometheus.HistogramVec
	mails    *prometheus.HistogramVec
	banks    *prometheus.HistogramVec
	ops      *prometheus.HistogramVec
	redis    *prometheus.HistogramVec
	fellBack prometheus.Counter
	cache    *prometheus.CounterVec
}

// buckets reach from sealing a token to a login that waited its turn, in seconds.
var buckets = []float64{1e-6, 1e-5, 1e-4, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15, 30}

// New makes Metrics with a registry of its own.
func New(c Config) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: histogram("http_request_seconds", "Time to answer, by route and status.", "method", "route", "status"),
		logins:   histogram("login_span_seconds", "Parts of a login that reached the hash.", "outcome", "span"),
		jobs:     histogram("job_seconds", "Tries at jobs: ok or failed.", "kind", "result"),
		mails:    histogram("mail_seconds", "Tries at sending mails: ok or failed.", "purpose", "result"),
		banks:    histogram("provider_call_seconds", "Requests to banks: ok, refused, failed or unreachable.", "provider", "result"),
		ops:      histogram("operation_seconds", "Operations of services/profile.", "operation"),
		redis:    histogram("redis_command_seconds", "Commands to Redis: ok or failed.", "command", "result"),
		fellBack: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dashtam_limit_fallbacks_total", Help: "Acts counted in the database because Redis was away.",
		}),
		cache: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dashtam_cache_total", Help: "Looks into the cache: hit, miss, shared (somebody was loading it) or error.",
		}, []string{"kind", "result"}),
	}
	m.registry.MustRegister(m.requests, m.logins, m.jobs, m.mails, m.banks, m.ops, m.redis, m.fellBack, m.cache,
		hashes{c.Hashes}, database{c.Pool},
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(collectors.MetricsScheduler)))
	return m
}

// Handler serves the figures.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// Request counts one answered request. route is a pattern, never a path.
func (m *Metrics) Request(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

// Login counts how long one part of a login took.
func (m *Metrics) Login(outcome, span string, took time.Duration) {
	m.logins.WithLabelValues(outcome, span).Observe(took.Seconds())
}

// Job counts one try at a job.
func (m *Metrics) Job(kind string, failed bool, took time.Duration) {
	m.jobs.WithLabelValues(kind, result(failed)).Observe(took.Seconds())
}

// Mail counts one try at sending a mail.
func (m *Metrics) Mail(purpose string, failed bool, took time.Duration) {
	m.mails.WithLabelValues(purpose, result(failed)).Observe(took.Seconds())
}

// Provider counts one request to a bank; result is one of providers.Observed.
func (m *Metrics) Provider(slug, result string, took time.Duration) {
	m.banks.WithLabelValues(slug, result).Observe(took.Seconds())
}

// Operation counts how long one operation of services/profile took.
func (m *Metrics) Operation(op string, took time.Duration) {
	m.ops.WithLabelValues(op).Observe(took.Seconds())
}

// Redis counts one command to Redis.
func (m *Metrics) Redis(command string, failed bool, took time.Duration) {
	m.redis.WithLabelValues(command, result(failed)).Observe(took.Seconds())
}

// Cache counts one look into the cache; result is one of cache.New.
func (m *Metrics) Cache(kind, result string) { m.cache.WithLabelValues(kind, result).Inc() }

// LimitFallback counts one act that was counted in the database because Redis was away.
func (m *Metrics) LimitFallback() { m.fellBack.Inc() }

func result(failed bool) string {
	if failed {
		return "failed"
	}
	return "ok"
}

func histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "dashtam_" + name, Help: help, Buckets: buckets}, labels)
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("dashtam_"+name, help, labels, nil)
}

var (
	hashWorkers = desc("hash_workers", "Passwords that may be hashed at once; 0 = no bound.")
	hashProcs   = desc("hash_processes", "Worker processes alive; 0 = passwords are hashed in the server itself.")
	hashBusy    = desc("hash_busy", "Passwords being hashed.")
	hashWaiting = desc("hash_waiting", "People waiting for their password to be hashed.", "priority")
	hashMean    = desc("hash_mean_seconds", "Time of one hash, lately.")
	hashDone    = desc("hash_done_total", "Hashes done.")
	hashShed    = desc("hash_shed_total", "People sent away because the wait would have been too long.")
	hashTime    = desc("hash_seconds_total", "Time spent hashing.")
	hashWaited  = desc("hash_waited_seconds_total", "Time spent waiting.")

	dbConns   = desc("db_connections", "Connections to the database.", "state")
	dbWaits   = desc("db_empty_acquire_total", "Times a statement had to wait for a connection.")
	jobsCount = desc("jobs", "Jobs by kind and state.", "kind", "state")
)

type hashes struct{ pool *hashpool.Pool }

func (h hashes) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(h, ch) }

func (h hashes) Collect(ch chan<- prometheus.Metric) {
	s := h.pool.Stats()
	gauge(ch, hashWorkers, float64(s.Workers))
	gauge(ch, hashProcs, float64(s.Processes))
	gauge(ch, hashBusy, float64(s.Busy))
	gauge(ch, hashWaiting, float64(s.WaitingKnown), "known")
	gauge(ch, hashWaiting, float64(s.WaitingNew), "stranger")
	gauge(ch, hashMean, s.Mean.Seconds())
	counter(ch, hashDone, float64(s.Done))
	counter(ch, hashShed, float64(s.Shed))
	counter(ch, hashTime, s.Hashing.Seconds())
	counter(ch, hashWaited, s.Waited.Seconds())
}

type database struct{ pool *postgres.Pool }

func (d database) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{dbConns, dbWaits, jobsCount} {
		ch <- desc
	}
}

// Collect also counts the jobs, which takes a query; when the database is away those lines are missing.
func (d database) Collect(ch chan<- prometheus.Metric) {
	s := d.pool.Stat()
	gauge(ch, dbConns, float64(s.AcquiredConns()), "busy")
	gauge(ch, dbConns, float64(s.IdleConns()), "idle")
	gauge(ch, dbConns, float64(s.MaxConns()), "most")
	counter(ch, dbWaits, float64(s.EmptyAcquireCount()))
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	counts, err := jobs.Counts(ctx, d.pool)
	if err != nil {
		return
	}
	for _, c := range counts {
		gauge(ch, jobsCount, float64(c.Number), c.Kind, c.State)
	}
}

func gauge(ch chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func counter(ch chan<- prometheus.Metric, d *prometheus.Desc, v float64) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v)
}
