// Package audit keeps the append-only record of who did what (AU-1): it owns the table audit_events.
//
// Record is called inside the transaction of the act it describes, so that both are there or neither. Rows hold ids and
// known codes only: no secret, no name or text that came from outside. A trigger refuses every later change (AU-2).
package audit
