// Package email sends the few mails Dashtam writes: to files in an outbox, over SMTP, or through AWS SES. It is the seed's
// EmailService. It knows no templates (cmd hands a Render in, from views/emails) and no accounts (services/auth says, as
// Linker, to whom a mail goes and mints its link only now, so that no token ever lies in the job table).
//
// Mails are jobs, enqueued in the transaction of the act they tell about: a slow or broken mail server delays nobody's
// answer, and a failed try is tried again (JB-4). At worst a mail comes twice. No mail holds text that a stranger typed,
// so nobody can make Dashtam carry their words to somebody else (RS-1).
package email
