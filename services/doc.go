// Package services is the ground floor of Dashtam: what the program does, below any HTTP or HTML. The package itself
// holds only this text, the architecture test that keeps it true, and what reads its tables for the administrators' page.
//
// # The one idea
//
// Dashtam began as a document called "Async vs Sync Design Patterns", written for Python: use "async def" for work that
// waits on the world (I/O), and plain "def" for work that computes. Here the same line is drawn by one rule that a test
// checks: an exported function of a service takes a context first if and only if it does I/O. Packages that compute and
// packages that do I/O are different packages, and I/O calls compute, never the other way round.
//
// # Classification
//
// The architecture test reads this table. Class is io or compute; every package under services/ stands here once, and
// every table of the database has exactly one owner.
//
//	service             | class   | kind of I/O             | tables
//	actor               | compute | -                       | -
//	encryption          | compute | -                       | -
//	errs                | compute | -                       | -
//	jwt                 | compute | -                       | -
//	money               | compute | -                       | -
//	password            | compute | -                       | -
//	sandbox/books       | compute | -                       | -
//	admin               | io      | PostgreSQL              | -
//	audit               | io      | PostgreSQL, files       | audit_events audit_seals
//	auth                | io      | PostgreSQL              | users sessions links address_changes refresh_tokens invitations
//	cache               | io      | Redis                   | -
//	connections         | io      | PostgreSQL, HTTP        | connections connect_attempts
//	email               | io      | HTTP, SMTP, files       | -
//	hashpool            | io      | processes               | -
//	jobs                | io      | PostgreSQL              | -
//	ledger              | io      | PostgreSQL              | accounts transactions holdings balance_days
//	limits              | io      | PostgreSQL, Redis       | limit_counters
//	metrics             | io      | -                       | -
//	postgres            | io      | PostgreSQL              | -
//	postgres/embedded   | io      | processes, files        | -
//	postgres/pgtest     | io      | PostgreSQL              | -
//	profile             | io      | -                       | -
//	providers           | io      | HTTP                    | -
//	providers/banktest  | io      | HTTP                    | -
//	providers/fdx       | io      | HTTP, Redis             | -
//	redis               | io      | Redis                   | -
//	redis/redistest     | io      | processes               | -
//	review              | io      | PostgreSQL              | review_lines
//	sandbox             | io      | PostgreSQL              | sandbox.*
//	syncer              | io      | PostgreSQL, HTTP        | sync_runs
//	tokens              | io      | PostgreSQL              | key_checks data_keys connection_tokens access_ledger
//
// # The document's services and functions, and ours
//
//	the document                              | here
//	AuthService                               | services/auth.Service
//	AuthService.register_user                 | auth.Service.Register
//	AuthService.get_user_by_email             | auth.Service.GetUserByEmail
//	AuthService.get_user                      | auth.Service.GetUser
//	AuthService.create_refresh_token          | auth.Service.CreateRefreshToken
//	TokenService                              | services/tokens.Service
//	TokenService.store_tokens                 | tokens.Service.StoreTokens
//	TokenService.refresh_token                | tokens.Service.RefreshToken
//	EmailService                              | services/email.Service
//	EmailService.send_email                   | email.Service.Send
//	EncryptionService                         | services/encryption (Keyring, Seal, Open)
//	PasswordService                           | services/password.Service
//	PasswordService.hash_password             | password.Service.HashPassword
//	PasswordService.verify_password           | password.Service.VerifyPassword
//	PasswordService.validate_password_strength| password.Service.ValidatePasswordStrength
//	PasswordService.hash_password_async       | hashpool.Pool.Hash (and .Verify)
//	JWTService                                | services/jwt.Service
//	JWTService.create_access_token            | jwt.Service.CreateAccessToken
//	BackgroundTasks.add_task(send_email)      | jobs.Queue.Enqueue(jobs.Mail) in the caller's transaction
//	Depends(get_session)                      | postgres.DB as an argument: a pool, or the transaction that is open
//	POST /login                               | auth.Service.Login, called by handlers/auth_login.go and handlers/api/auth.go
//	POST /register                            | auth.Service.Register, called by handlers/auth_signup.go and handlers/api/auth.go
//
// # Python and the event loop, Go and its scheduler
//
//	Python                                          | Go
//	one event loop, one thread                      | goroutines on as many threads as cores
//	"await" marks where a function may be suspended | every call may be; the scheduler sees to it
//	blocking I/O in "async def" stops everybody     | a blocked goroutine stops only itself
//	async libraries beside sync ones                | one kind of library; a context carries deadline and cancellation
//	a long computation freezes the loop             | it takes a core; others wait for a scheduler slice (10 ms) or a core
//	what that costs others: a blocked loop          | scheduler latency, /sched/latencies:seconds of runtime/metrics
//	run_in_executor(None, f) for slow computing     | hashpool: fewer hashes at once than there are cores
//	ProcessPoolExecutor for heavy computing         | the same call, to be carried out by other processes
//	BackgroundTasks, lost when the process dies     | River jobs, committed with the act they belong to
//	an AsyncSession per request                     | a pooled connection per statement, a transaction where it matters
//
// So in Go nothing has to be marked asynchronous to stay out of the way while it waits. What is left of the document's
// question is the part about computing, and that part is kept to the letter: password, encryption and jwt are plain
// synchronous functions, called inline.
//
// # Decision log
//
//	2025-10-04 | Keep PasswordService synchronous    | bcrypt computes; the EncryptionService pattern; no performance issue known
//	2025-10-04 | Keep JWTService synchronous         | pure computing, under 1 ms
//	2025-10-04 | Keep AuthService asynchronous       | it does database I/O
//	2025-10-04 | Keep EmailService asynchronous      | it talks to AWS SES over HTTP
//	2026-11-24 | Go: a context first = asynchronous  | the rule can be checked by a test, a keyword cannot be forgotten
//	2026-11-24 | auth.Register and auth.Login hash through hashpool | one hash at cost 12 took 230 ms of a core (AMD EPYC, go test -bench); two at once are every core of a small server
//	2026-11-24 | the hash for unknown addresses takes the same way  | equal work is what keeps an address secret (LG-2)
//	2026-11-24 | encryption and jwt stay inline      | microseconds; see the benchmarks in their packages
//	2026-11-26 | hashpool runs processes, not the thread pool the document recommends | goroutines are the thread pool: as many as cores took pages' p99 from 7 to 67 ms, and to 776 in a session of its own; processes of the lowest priority took it to 17 and 12, with 1.5 and 1.7 times the logins of one goroutine fewer than cores (make storm)
//	2026-11-26 | the workers get SCHED_IDLE, a session of their own and the lowest autogroup weight | without that weight pages' p99 was 868 to 1,232 ms, with it 13 to 18; SCHED_BATCH did the same in one session, but 17 to 46 ms under a quota of 1.5 cores, where SCHED_IDLE gave 17
//	2026-11-26 | of a CPU quota a quarter of a core is left alone | what is over a quota stops every thread of the group; one worker under 1.5 cores kept pages' p99 at 16 ms, two goroutines took it to 149
//	2026-11-26 | auth.Login asks hashpool whether it can be served before it reads the account | who is sent away costs no query, and an unknown address costs the same (LG-3)
//	2026-11-26 | Redis holds only what PostgreSQL counted already | flushed, gone or slow, it never allows more; an allowed API act took 50 to 58 µs in place of 96 to 141 (go test -bench Allow ./services/limits)
//	2026-11-26 | only banks' metadata is cached         | 7 µs in place of 158 over loopback; a session decides rights and an overview is money, so neither is (go test -bench Candidates ./services/cache)
//
// # Options for computing that blocks, measured
//
// The document's options and the simplest baselines in one run of make storm: a hundred logins in a closed loop at cost 12,
// /overview fifty times a second, two cores, one session, the median of three turns (2026-11-26). Times are milliseconds.
//
//	hashing                        | page p99 idle        | page p99                     | logins/s           | known device p95
//	processes (Option 2)           | 8.7 (7.5 to 8.8)     | 17.3 (13.8 to 25.1)          | 6.0 (5.8 to 6.6)   | 591 (581 to 617)
//	inline (the document's now)    | 7.6 (6.7 to 8.8)     | 5147.9 (4532.6 to 6191.6)    | 5.8 (3.9 to 7.8)   | 5144 (0 to 11108)
//	goroutines = cores (Option 1)  | 7.3 (6.9 to 8.3)     | 66.7 (63.4 to 71.1)          | 6.9 (6.5 to 7.0)   | 530 (516 to 612)
//	goroutines = cores - 1         | 6.7 (6.1 to 10.3)    | 11.4 (10.8 to 14.9)          | 4.1 (3.9 to 4.1)   | 325 (306 to 501)
//	bare bcrypt loops of nice 19   |                      |                              | 6.6 (6.4 to 6.7)   |
//
// The document recommends a thread pool. Goroutines are one already, and it shows what is wrong with it: as many hashes
// as cores and everybody waits for a slice of the scheduler, one fewer and half the logins are gone. A process can be told
// to take only what nobody else wants; a goroutine cannot. Option 3, a job that answers "Processing", carries mails and
// syncs. It cannot carry a password, which must not lie in a job's row.
//
// Of the document's Future Enhancements, step 1 (wrappers) is done: hashpool. Step 2 (endpoints use them) is done: sign-up,
// login, set-up and the API. Step 3 (deprecate the plain functions) is declined: they are what a worker runs and what tests
// and commands call, and a context on a function that computes would say something untrue.
//
// "Don't mix patterns within a service" is why the wrapper is a package of its own: the document's own example puts
// hash_password and hash_password_async into one class.
//
// Next review: when production metrics show that synchronous services cost others something: request p95 or p99 over
// 500 ms because of hashing, trouble beyond 100 simultaneous logins, a CPU saturated by bcrypt, or a login over 1 s.
//
// # Keys begin with user_id
//
// Every table of a person's data that is reached through its owner carries user_id, and its primary, unique and foreign
// keys begin with it. One person's rows lie together, a query that forgets the owner cannot use an index, and the day
// one PostgreSQL is outgrown the database can be distributed by that column. A test over the catalogue holds it.
//
// # References
//
//	the document's                       | Go's counterpart
//	FastAPI, async SQL databases         | pgx v5 pool and transactions, https://pkg.go.dev/github.com/jackc/pgx/v5
//	Python asyncio documentation         | The Go Memory Model and package context, https://pkg.go.dev/context
//	"How does asyncio actually work"     | runtime/metrics, /sched/latencies:seconds, https://pkg.go.dev/runtime/metrics
//	"Bcrypt and async" (pyca/bcrypt#394) | https://pkg.go.dev/golang.org/x/crypto/bcrypt
package services
