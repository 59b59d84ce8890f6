package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"dashtam/services/encryption"
)

// environment reads variables and gathers what is wrong with them. No message repeats a value that may be secret.
type environment struct {
	get    func(string) string
	errors []error
}

func (e *environment) wrong(name, what string) {
	e.errors = append(e.errors, fmt.Errorf("%s %s", name, what))
}

func (e *environment) err() error { return errors.Join(e.errors...) }

// secret reads NAME or the file that NAME_FILE names, without the line end at its end.
func (e *environment) secret(name string) encryption.Secret {
	value, file := e.get(name), e.get(name+"_FILE")
	switch {
	case file == "":
		return encryption.Secret(value)
	case value != "":
		e.wrong(name, "and "+name+"_FILE are both set; choose one")
		return ""
	}
	data, err := os.ReadFile(file)
	if err != nil {
		e.wrong(name+"_FILE", "cannot be read: "+err.Error())
	}
	return encryption.Secret(strings.TrimRight(string(data), "\r\n"))
}

func (e *environment) oneOf(name, fallback string, allowed ...string) string {
	value := e.get(name)
	if value == "" {
		value = fallback
	}
	if !slices.Contains(allowed, value) {
		e.wrong(name, pick(value == "", "is needed with this DASHTAM_BASE_URL: ", "must be ")+"one of "+strings.Join(allowed, ", "))
	}
	return value
}

func (e *environment) address(name, fallback string) string {
	value := e.get(name)
	if value == "" {
		value = fallback
	}
	_, port, err := net.SplitHostPort(value)
	if n, notNumber := strconv.Atoi(port); err != nil || notNumber != nil || n < 0 || n > 65535 {
		e.wrong(name, "must be host:port")
	}
	return value
}

// addressOrOff gives "" for off.
func (e *environment) addressOrOff(name, fallback string) string {
	if value := e.get(name); value == "off" || value == "" && fallback == "off" {
		return ""
	}
	return e.address(name, fallback)
}

func (e *environment) number(name string, fallback int) int {
	value := e.get(name)
	if value == "" {
		return fallback
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > 1024 {
		e.wrong(name, "must be a number from 0 to 1024")
	}
	return n
}

func (e *environment) duration(name string, fallback time.Duration) time.Duration {
	value := e.get(name)
	if value == "" {
		return fallback
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < time.Second {
		e.wrong(name, "must be a duration of a second or more, such as 24h or 30m")
	}
	return d
}

func (e *environment) networks(name string) (all []netip.Prefix) {
	for text := range strings.SplitSeq(e.get(name), ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			e.wrong(name, "must be networks such as 127.0.0.1/32, separated by commas")
		}
		all = append(all, network)
	}
	return all
}

// database refuses a connection over somebody else's network that is not encrypted, or does not check whom it talks to,
// once the installation is meant for the public (RT-4).
func (e *environment) database(text string, local bool) {
	c, err := pgconn.ParseConfig(text)
	if err != nil {
		e.wrong("DASHTAM_DATABASE_URL", "cannot be read as postgres://user:password@host/name")
		return
	}
	verified := c.TLSConfig != nil && (!c.TLSConfig.InsecureSkipVerify || c.TLSConfig.VerifyPeerCertificate != nil) && len(c.Fallbacks) == 0
	if !local && !near(c.Host) && !verified {
		e.wrong("DASHTAM_DATABASE_URL", "must say sslmode=verify-full for a server on another network")
	}
}

// redis refuses what database refuses; rediss:// always checks whom it talks to.
func (e *environment) redis(text string, local bool) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "redis" && u.Scheme != "rediss":
		e.wrong("DASHTAM_REDIS_URL", "must be redis://user:password@host:port or rediss://")
	case u.Scheme == "redis" && !local && !near(u.Hostname()):
		e.wrong("DASHTAM_REDIS_URL", "must be rediss:// for a server on another network")
	}
}

// near reports a host on this machine or on a network of our own. Names without a dot are a container's neighbours.
func near(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback() || ip.IsPrivate()
	}
	return strings.HasPrefix(host, "/") || !strings.ContainsAny(host, ".:")
}
