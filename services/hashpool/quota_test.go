package hashpool

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWorkersFor(t *testing.T) {
	for _, c := range []struct {
		cores int
		quota float64
		want  int
	}{
		{2, 0, 2}, {1, 0, 1}, {8, 0, 8}, {2, 2, 2}, {2, 4, 2}, // no quota, or none that binds
		{2, 1.5, 1}, {8, 4, 3}, {8, 4.25, 4}, {2, 0.5, 1},
	} {
		if got := workersFor(c.cores, c.quota); got != c.want {
			t.Errorf("%d cores, a quota of %v: %d workers, want %d", c.cores, c.quota, got, c.want)
		}
	}
	if n := Workers(); n < 1 {
		t.Errorf("%d", n)
	}
}

func TestQuota(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  float64
	}{
		"version 2, its parent's is smaller": {map[string]string{
			"proc/self/cgroup": "0::/system.slice/dashtam.service\n", "sys/fs/cgroup/system.slice/cpu.max": "150000 100000\n",
			"sys/fs/cgroup/system.slice/dashtam.service/cpu.max": "400000 100000\n",
		}, 1.5},
		"version 2, none":           {map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/a/cpu.max": "max 100000\n"}, 0},
		"version 2, in a container": {map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, 0.5},
		"version 1": {map[string]string{
			"proc/self/cgroup": "5:memory:/x\n3:cpu,cpuacct:/box\n",
			"sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us": "150000\n", "sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_period_us": "100000\n",
		}, 1.5},
		"version 1, none": {map[string]string{
			"proc/self/cgroup": "3:cpu:/\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
		}, 0},
		"nothing to read": {nil, 0},
		"nonsense":        {map[string]string{"proc/self/cgroup": "x\n0::/\n", "sys/fs/cgroup/cpu.max": "lots\n"}, 0},
	} {
		root := t.TempDir()
		for file, text := range c.files {
			path := filepath.Join(root, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := quota(root); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
