package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// Device says: somebody signed in to this account from here before. It is no credential. It only spares its holder the
// lock that strangers can put on an account (RL-2) and the strangers' queue for hashing, until the account's password
// changes. Name is where a browser keeps it, one for each account, so that people who share a browser do not take each
// other's place; neither tells the address.
type Device struct{ Name, Value string }

// DevicePrefix begins the names of all Devices.
const DevicePrefix = "device-"

const (
	deviceIDBytes = 16
	deviceLasts   = 365 * 24 * time.Hour
)

// NewDevice makes a Device for a browser whose person has proved that the account is theirs: they signed in there, opened a
// mail or used the set-up link.
func (s *Service) NewDevice(u User) Device {
	key, at := EmailKey(u.Email), s.Now()
	if u.PasswordChangedAt.After(at) { // by the database's clock
		at = u.PasswordChangedAt
	}
	raw := make([]byte, deviceIDBytes, deviceIDBytes+8+sha256.Size)
	_, _ = rand.Read(raw) // never fails; the program dies first
	raw = binary.BigEndian.AppendUint64(raw, uint64(at.Unix()))
	return Device{s.deviceName(key), base64.RawURLEncoding.EncodeToString(append(raw, s.deviceMAC(raw, key)...))}
}

// DeviceName is where a browser keeps its Device for the account of an address, whether there is one or not.
func (s *Service) DeviceName(email string) string { return s.deviceName(EmailKey(email)) }

func (s *Service) deviceName(key string) string {
	return DevicePrefix + hex.EncodeToString(s.deviceMAC([]byte("name\x00"), key)[:4])
}

// knownDevice checks a Device's value against an account. id names the device in limits, made is when it was made.
func (s *Service) knownDevice(value, key string) (id string, made time.Time, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || len(raw) != deviceIDBytes+8+sha256.Size {
		return "", made, false
	}
	said, mac := raw[:deviceIDBytes+8], raw[deviceIDBytes+8:]
	if !hmac.Equal(mac, s.deviceMAC(said, key)) {
		return "", made, false
	}
	made = time.Unix(int64(binary.BigEndian.Uint64(said[deviceIDBytes:])), 0)
	return string(raw[:deviceIDBytes]), made, s.Now().Sub(made) < deviceLasts
}

func (s *Service) deviceMAC(said []byte, key string) []byte {
	mac := hmac.New(sha256.New, s.DeviceKey)
	mac.Write(said)
	mac.Write([]byte(key))
	return mac.Sum(nil)
}
