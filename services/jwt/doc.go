// Package jwt makes and checks the access tokens of the JSON API: JSON Web Tokens of fifteen minutes, HS256 and nothing
// else (AP-2). It computes and nothing else; services/auth checks afterwards that the person still exists, may sign in
// and has not changed their password since.
package jwt
