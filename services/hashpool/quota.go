package hashpool

import (
	"math"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
)

// headroom is how much of a CPU quota, in cores, hashing leaves alone: below a quota nothing helps but not to use it up,
// for what is over stops every thread of the group, whatever its priority. So a low one has no use there either: it only
// makes a worker wait for a core while others are free.
const headroom = 0.25

// Workers is how many hashes to run at once when nobody says otherwise. Processes of the lowest priority may have every
// core; of a CPU quota they leave a quarter of a core. Goroutines, where processes cannot be had, leave a whole core.
func Workers() int {
	cores := runtime.GOMAXPROCS(0)
	if !processes {
		return max(1, cores-1)
	}
	return workersFor(runtime.NumCPU(), quota("/"))
}

// underQuota reports whether a quota leaves fewer cores than there are.
func underQuota() bool {
	q := quota("/")
	return q > 0 && q < float64(runtime.NumCPU())
}

// workersFor is Workers for a number of cores and a quota in cores, 0 = none.
func workersFor(cores int, quota float64) int {
	if quota > 0 && quota < float64(cores) {
		cores = int(quota - headroom)
	}
	return max(1, cores)
}

// quota is the CPU quota of this process in cores: the least of its control group and those around it. 0 = none. root is
// where the file system begins.
func quota(root string) float64 {
	groups, err := os.ReadFile(path.Join(root, "proc/self/cgroup"))
	if err != nil {
		return 0
	}
	least := math.Inf(1)
	for line := range strings.Lines(string(groups)) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3) // hierarchy:controllers:group
		if len(part) != 3 {
			continue
		}
		mount, read := path.Join(root, "sys/fs/cgroup"), quotaV2
		if part[1] != "" {
			if !strings.Contains(","+part[1]+",", ",cpu,") {
				continue
			}
			mount, read = path.Join(mount, part[1]), quotaV1
			if _, err := os.Stat(mount); err != nil {
				mount = path.Join(root, "sys/fs/cgroup/cpu")
			}
		}
		for group := part[2]; ; group = path.Dir(group) {
			if cores := read(path.Join(mount, group)); cores > 0 {
				least = math.Min(least, cores)
			}
			if group == "/" || group == "." {
				break
			}
		}
	}
	if math.IsInf(least, 1) {
		return 0
	}
	return least
}

// quotaV2 reads cpu.max: "150000 100000", or "max 100000" for none.
func quotaV2(dir string) float64 {
	text, _ := os.ReadFile(path.Join(dir, "cpu.max")) // the root group has none
	fields := strings.Fields(string(text))
	if len(fields) != 2 {
		return 0
	}
	return share(fields[0], fields[1])
}

// quotaV1 reads cpu.cfs_quota_us, -1 for none, and cpu.cfs_period_us.
func quotaV1(dir string) float64 {
	most, _ := os.ReadFile(path.Join(dir, "cpu.cfs_quota_us"))
	period, _ := os.ReadFile(path.Join(dir, "cpu.cfs_period_us"))
	return share(strings.TrimSpace(string(most)), strings.TrimSpace(string(period)))
}

func share(most, period string) float64 {
	m, err := strconv.ParseFloat(most, 64)
	p, err2 := strconv.ParseFloat(period, 64)
	if err != nil || err2 != nil || m <= 0 || p <= 0 {
		return 0
	}
	return m / p
}
