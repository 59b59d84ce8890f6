package encryption

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
)

// The ways Open can refuse an envelope. None of them says anything about the plaintext.
var (
	ErrVersion        = errors.New("encryption: envelope of an unknown version")
	ErrKeyID          = errors.New("encryption: envelope sealed under another key")
	ErrTruncated      = errors.New("encryption: envelope too short")
	ErrAuthentication = errors.New("encryption: envelope does not authenticate")
)

const (
	version   = 1
	nonceSize = 12
	tagSize   = 16
)

// AAD is what a secret belongs to. It is authenticated with the secret but not stored beside it: Open must be told the
// same, so a ciphertext put into another row, column or generation does not open.
type AAD struct {
	Purpose    string // what the secret is for: "access_token"
	Table      string
	Column     string
	Row        string // the row's id
	User       string // the person's id
	Provider   string // the bank's slug, where there is one
	Generation int64  // counts what was stored in this place before
}

// Seal encrypts plaintext under k, bound to aad. At most 2^32 secrets may be sealed under one key (SP 800-38D, random
// nonces); a data key per connection stays far below.
func Seal(k Key, plaintext []byte, aad AAD) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	envelope := append([]byte{version, byte(len(k.id))}, k.id...)
	ad := aad.bytes(envelope)
	nonce := make([]byte, nonceSize)
	rand.Read(nonce) // never fails: the runtime ends the program first
	return aead.Seal(append(envelope, nonce...), nonce, plaintext, ad), nil
}

// Open gives back what Seal was given, or one of the four errors above.
func Open(k Key, envelope []byte, aad AAD) ([]byte, error) {
	id, err := KeyID(envelope)
	if err != nil {
		return nil, err
	}
	if id != k.id {
		return nil, ErrKeyID
	}
	header, rest := envelope[:2+len(id)], envelope[2+len(id):]
	return open(k, rest[:nonceSize], rest[nonceSize:], aad.bytes(header))
}

// KeyID is the id of the key an envelope was sealed under. The envelope may still be forged; only Open finds out.
func KeyID(envelope []byte) (string, error) {
	if len(envelope) == 0 {
		return "", ErrTruncated
	}
	if envelope[0] != version {
		return "", ErrVersion
	}
	if len(envelope) < 2 || len(envelope) < 2+int(envelope[1])+nonceSize+tagSize {
		return "", ErrTruncated
	}
	return string(envelope[2 : 2+int(envelope[1])]), nil
}

// open is Open without the envelope's form: AES-256-GCM with a nonce of 12 bytes and a tag of 16.
func open(k Key, nonce, sealed, ad []byte) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	plaintext, err := aead.Open(nil, nonce, sealed, ad)
	if err != nil {
		return nil, ErrAuthentication
	}
	return plaintext, nil
}

// aead fails only for the zero Key, which must seal nothing.
func (k Key) aead() (cipher.AEAD, error) {
	if k.raw == nil {
		return nil, errors.New("encryption: no key")
	}
	block, err := aes.NewCipher(k.raw()[:])
	if err != nil {
		return nil, fmt.Errorf("encryption: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("encryption: %w", err)
	}
	return aead, nil
}

// bytes encodes header and aad so that no two differ in meaning and agree in bytes: each part carries its length.
func (a AAD) bytes(header []byte) []byte {
	var b []byte
	for _, part := range []string{"dashtam/aad/v1", string(header), a.Purpose, a.Table, a.Column, a.Row, a.User, a.Provider} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return binary.BigEndian.AppendUint64(b, uint64(a.Generation))
}
