// Package audit keeps the append-only record of who did what (AU-1): it owns the tables audit_events and audit_seals.
//
// Record is called inside the transaction of the act it describes, so that both are there or neither. Rows hold ids and
// known codes only: no secret, no name or text that came from outside. A trigger refuses every later change, and because
// whoever owns the database can remove a trigger, a job seals what was written under a key the database does not hold;
// Verify tells what is not as it was (AU-2).
package audit
