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
//	connections         | io      | PostgreSQL, HTTP        | connections connect_attempts provider_pauses
//	doctor              | io      | PostgreSQL, HTTP, SMTP, files | -
//	email               | io      | HTTP, SMTP, files       | -
//	hashpool            | io      | processes               | -
//	jobs                | io      | PostgreSQL              | -
//	ledger              | io      | PostgreSQL              | accounts transactions holdings balance_days staged_transactions account_questions account_merges merged_transactions
//	limits              | io      | PostgreSQL, Redis       | limit_counters limit_streaks
//	metrics             | io      | -                       | -
//	postgres            | io      | PostgreSQL              | -
//	postgres/embedded   | io      | processes, files        | -
//	postgres/pgtest     | io      | PostgreSQL              | -
//	profile             | io      | -                       | -
//	providers           | io      | PostgreSQL, HTTP        | providers providers_off
//	providers/banktest  | io      | HTTP                    | -
//	providers/fdx       | io      | HTTP, Redis             | -
//	redis               | io      | Redis                   | -
//	redis/redistest     | io      | processes               | -
//	review              | io      | PostgreSQL              | review_lines
//	sandbox             | io      | PostgreSQL              | sandbox.*
//	syncer              | io      | PostgreSQL, HTTP        | sync_runs sync_windows sync_accounts sync_changes sync_budgets
//	tokens              | io      | PostgreSQL, files       | key_checks data_keys connection_tokens access_ledger revocations provider_secrets
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
//	2026-11-24 | Sign-up and login hash through hashpool | One hash at cost 12 took 230 ms of a core; two at once are a whole small server (go test -bench ./services/password)
//	2026-11-24 | Unknown addresses take the same way  | Equal work is what keeps an address secret (LG-2)
//	2026-11-24 | Keep encryption and JWT inline       | Microseconds; see the benchmarks in their packages
//	2026-11-26 | Hash in processes, not in a thread pool | Pages' p99 rose to 14 ms; with as many goroutines as cores to 75, with one fewer to 12 and 1.6 times fewer logins (make storm)
//	2026-11-27 | Measured again, all placements: stays   | Pages' p99 12 to 19 ms, goroutines = cores 66 to 88; logins 0.96 to 1.04 of bare loops, 0.81 under a quota (make storm)
//	2026-11-26 | Workers get SCHED_IDLE and the lowest autogroup weight | Without that weight pages' p99 was 868 to 1,232 ms; SCHED_BATCH gave 17 to 46 ms under a quota, SCHED_IDLE 17
//	2026-11-26 | As many workers as cores, no more    | Three on two cores let in 5.2 a second where two let in 6.3, at the same p99
//	2026-11-26 | Leave a quarter of a core of a quota | What is over a quota stops every thread of the group: two goroutines took pages' p99 to 104 ms, one worker to 16
//	2026-11-26 | Under a quota workers keep the usual priority | Logins 4.0 a second in place of 3.5, beside one goroutine's 3.9; pages' p99 19 ms, not 16, beside its 21 (15 to 48)
//	2026-11-26 | Ask the pool before reading the account | Who is sent away costs no query, whether the address exists or not (LG-3)
//	2026-11-26 | Redis holds only what PostgreSQL counted | Flushed, gone or slow, it never allows more; an allowed API act took 50 to 58 µs, not 96 to 141 (go test -bench Allow ./services/limits)
//	2026-11-26 | Cache banks' metadata and nothing else | 7 µs, not 158 over loopback; a session decides rights and an overview is money (go test -bench Candidates ./services/cache)
//
// # Options for computing that blocks, measured
//
// The document's options and the simplest baselines in one run of make storm: a hundred logins in a closed loop at cost 12,
// /overview fifty times a second, two cores, one session, the median of three turns (2026-11-27). Times are milliseconds.
//
//	hashing                        | page p99 idle        | page p99                     | logins/s           | known device p95
//	processes (Option 2)           | 7.5 (6.9 to 9.9)     | 11.9 (10.9 to 13.8)          | 5.3 (4.9 to 5.3)   | 480 (433 to 619)
//	inline (the document's now)    | 10.9 (7.7 to 16.5)   | 6376.6 (5802.3 to 6697.2)    | 0.0 (0.0 to 0.0)   | nobody
//	goroutines = cores (Option 1)  | 12.5 (7.2 to 13.2)   | 67.8 (65.6 to 72.7)          | 5.7 (5.4 to 6.0)   | 704 (625 to 728)
//	goroutines = cores - 1         | 10.2 (9.3 to 17.3)   | 13.1 (13.0 to 14.1)          | 3.2 (3.2 to 3.3)   | 589 (559 to 600)
//	bare bcrypt loops of nice 19   |                      | 78.7 (78.5 to 105.0)         | 5.3 (4.6 to 5.7)   |
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
