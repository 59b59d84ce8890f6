// Package banktest is a bank for tests: an authorization server and an FDX API on a local port that do what they are told
// to, well or badly, and count what they are asked. It is no sandbox: nobody signs in, Consent answers for the person.
//
// Unless scripted otherwise it is strict: a code and a refresh token work once, PKCE and the redirect URI must match, and
// a refresh token used twice ends everything it led to.
package banktest
