package main

import "context"

type demoCommand struct{}

// Run serves like serve, with the demo person in the database.
func (demoCommand) Run(ctx context.Context, a *app) error { return a.serve(ctx, (*node).offerSetup) }
