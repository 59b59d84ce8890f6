package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// A known-device value says: somebody signed in to this account from here before. It is no credential. It only spares
// its holder the lock that strangers can put on an account (RL-2) and the strangers' queue for hashing.
const (
	deviceIDBytes = 16
	deviceLasts   = 365 * 24 * time.Hour
)

// NewDevice makes a known-device value for a browser whose person has proved in another way than by signing in that the
// account of an address is theirs: they opened a mail or used the set-up link there.
func (s *Service) NewDevice(email string) string { return s.newDevice(EmailKey(email)) }

// newDevice makes the value for a browser that signed in to the account of key: id, time, and an HMAC over both and the
// account, whose address does not stand in it.
func (s *Service) newDevice(key string) string {
	raw := make([]byte, deviceIDBytes, deviceIDBytes+8+sha256.Size)
	_, _ = rand.Read(raw) // never fails; the program dies first
	raw = binary.BigEndian.AppendUint64(raw, uint64(s.Now().Unix()))
	return base64.RawURLEncoding.EncodeToString(append(raw, s.deviceMAC(raw, key)...))
}

// knownDevice checks a value against an account. id names the device in limits.
func (s *Service) knownDevice(value, key string) (id string, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || len(raw) != deviceIDBytes+8+sha256.Size {
		return "", false
	}
	said, mac := raw[:deviceIDBytes+8], raw[deviceIDBytes+8:]
	if !hmac.Equal(mac, s.deviceMAC(said, key)) {
		return "", false
	}
	made := time.Unix(int64(binary.BigEndian.Uint64(said[deviceIDBytes:])), 0)
	return string(raw[:deviceIDBytes]), s.Now().Sub(made) < deviceLasts
}

func (s *Service) deviceMAC(said []byte, key string) []byte {
	mac := hmac.New(sha256.New, s.DeviceKey)
	mac.Write(said)
	mac.Write([]byte(key))
	return mac.Sum(nil)
}
