package admin

// Setting is one thing the environment decides, in plain words. A secret's value is only whether it is set.
type Setting struct {
	Part     string // which part of the program: settings of one stand together
	Name     string
	Value    string
	Variable string // in the environment
}
