package main

import (
	"strconv"
	"strings"
	"time"

	"dashtam/services/admin"
	"dashtam/services/encryption"
)

// configured is the configuration for /admin/settings, in plain words. Of a secret it says only whether it is set.
func (c config) configured(keys *encryption.Keyring) []admin.Setting {
	var proxies []string
	for _, p := range c.Proxies {
		proxies = append(proxies, p.String())
	}
	database, keysFrom := "a server of your own", "the environment"
	if c.DatabaseURL == "" {
		database = "the one that came with Dashtam"
	}
	if c.Keys == "" {
		keysFrom = "the file " + c.KeyFile
	}
	return []admin.Setting{
		{Part: "Addresses", Name: "Public address", Value: c.BaseURL.String(), Variable: "DASHTAM_BASE_URL"},
		{Part: "Addresses", Name: "Listens at", Value: c.Addr, Variable: "DASHTAM_ADDR"},
		{Part: "Addresses", Name: "Metrics and profiles", Value: orOff(c.AdminAddr), Variable: "DASHTAM_ADMIN_ADDR"},
		{Part: "Addresses", Name: "TLS", Value: c.TLS, Variable: "DASHTAM_TLS"},
		{Part: "Addresses", Name: "Trusted proxies", Value: strings.Join(proxies, ", "), Variable: "DASHTAM_TRUSTED_PROXIES"},
		{Part: "Accounts", Name: "Sign-up", Value: string(c.Signup), Variable: "DASHTAM_SIGNUP"},
		{Part: "Accounts", Name: "Signed out after no visit for", Value: forAll(c.SessionIdle, 30*time.Minute), Variable: "DASHTAM_SESSION_IDLE"},
		{Part: "Accounts", Name: "Signed out in any case after", Value: forAll(c.SessionLifetime, 12*time.Hour), Variable: "DASHTAM_SESSION_LIFETIME"},
		{Part: "Accounts", Name: "Processes that check passwords", Value: strconv.Itoa(c.HashWorkers), Variable: "DASHTAM_HASH_WORKERS"},
		{Part: "Mail", Name: "Sent by", Value: map[string]string{"ses": "Amazon SES", "smtp": "an SMTP server", "outbox": "nobody: it stays on this machine"}[c.Email], Variable: "DASHTAM_EMAIL"},
		{Part: "Mail", Name: "Sender", Value: c.EmailFrom, Variable: "DASHTAM_EMAIL_FROM"},
		{Part: "Mail", Name: "SMTP server", Value: isSet(c.SMTPURL), Variable: "DASHTAM_SMTP_URL"},
		{Part: "Mail", Name: "SES region", Value: c.SESRegion, Variable: "DASHTAM_SES_REGION"},
		{Part: "Mail", Name: "SES endpoint", Value: c.SESEndpoint, Variable: "DASHTAM_SES_ENDPOINT"},
		{Part: "Data", Name: "Database", Value: database, Variable: "DASHTAM_DATABASE_URL"},
		{Part: "Data", Name: "Redis", Value: isSet(c.RedisURL), Variable: "DASHTAM_REDIS_URL"},
		{Part: "Data", Name: "Data directory", Value: c.DataDir, Variable: "DASHTAM_DATA_DIR"},
		{Part: "Data", Name: "Keys come from", Value: keysFrom, Variable: "DASHTAM_KEYS, DASHTAM_KEY_FILE"},
		{Part: "Data", Name: "Keys by name, current first", Value: strings.Join(keys.IDs(), ", "), Variable: "DASHTAM_KEYS, DASHTAM_KEY_FILE"},
		{Part: "Banks", Name: "Sandbox Bank", Value: orOff(c.SandboxAddr), Variable: "DASHTAM_SANDBOX_ADDR"},
		{Part: "Banks", Name: "May have private addresses", Value: pick(c.PrivateProviders, "yes", "no"), Variable: "DASHTAM_ALLOW_PRIVATE_PROVIDERS"},
	}
}

func orOff(address string) string { return pick(address == "", "off", address) }

func isSet(s encryption.Secret) string { return pick(s == "", "", "set") }

// forAll is how long a sign-in lasts for people, and for administrators at most.
func forAll(people, admins time.Duration) string {
	if people <= admins {
		return spell(people)
	}
	return spell(people) + ", administrators " + spell(admins)
}

// spell is a duration in the largest whole units: "30 days", "24 hours", "90 minutes".
func spell(d time.Duration) string {
	switch {
	case d >= 48*time.Hour && d%(24*time.Hour) == 0:
		return strconv.Itoa(int(d/(24*time.Hour))) + " days"
	case d >= 2*time.Hour && d%time.Hour == 0:
		return strconv.Itoa(int(d/time.Hour)) + " hours"
	case d%time.Minute == 0:
		return strconv.Itoa(int(d/time.Minute)) + " minutes"
	default:
		return d.String()
	}
}
