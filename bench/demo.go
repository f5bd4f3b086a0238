package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// memoryLimit is what the demo may take at its peak, in MiB.
const memoryLimit = 40

// demo is the built examples/webapp.
type demo struct {
	program, dir string
	starts       int
}

func buildDemo(dir string) (*demo, error) {
	d := &demo{program: filepath.Join(dir, "webapp"), dir: dir}
	build := exec.CommandContext(context.Background(), "go", "build", "-o", d.program, "github.com/go-mfa/mfa/examples/webapp") //nolint:gosec // into a folder of our own
	out, err := build.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("building the demo: %w: %s", err, out)
	}
	return d, nil
}

// help runs the program without serving: what starting a process costs.
func (d *demo) help(int) (time.Duration, error) {
	start := time.Now()
	err := exec.CommandContext(context.Background(), d.program, "-h").Run() //nolint:gosec // what buildDemo built
	return time.Since(start), err
}

// ready starts the demo on a new database and returns how long it took to
// answer its first request.
func (d *demo) ready(int) (time.Duration, error) {
	took, _, err := d.run()
	return took, err
}

// run starts the demo on a new database, has somebody sign up, and stops it. It
// returns how long the first answer took and the memory peak in MiB.
func (d *demo) run() (took time.Duration, peak float64, err error) {
	d.starts++
	db := filepath.Join(d.dir, fmt.Sprintf("demo%d.db", d.starts))
	cmd := exec.CommandContext(context.Background(), d.program, "-addr", "localhost:0", "-db", db) //nolint:gosec // what buildDemo built
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	defer func() {
		err = errors.Join(err, cmd.Process.Signal(os.Interrupt), cmd.Wait())
	}()
	origin, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return 0, 0, err
	}
	origin = strings.TrimSpace(origin)
	if err := request(http.MethodGet, origin+"/login", ""); err != nil {
		return 0, 0, err
	}
	took = time.Since(start)
	for i := range 20 {
		body := fmt.Sprintf(`{"username":"user%d","password":"correct horse battery staple"}`, i)
		if err := request(http.MethodPost, origin+"/signup", body); err != nil {
			return 0, 0, err
		}
	}
	peak, err = peakMemory(cmd.Process.Pid)
	return took, peak, err
}

func request(method, url, body string) error {
	req, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s", method, url, res.Status)
	}
	return nil
}

// peakMemory reads the resident peak of a process, in MiB, from Linux.
func peakMemory(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(b) {
		if kib, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			n, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(string(kib)), " kB"), 64)
			return n / 1024, err
		}
	}
	return 0, errors.New("no VmHWM in /proc: this needs Linux")
}

func (d *demo) pair() pair {
	return pair{
		name: "the demo, from its start to its first answer", primitive: "the same program with -h", n: 1,
		raw: d.help, ours: d.ready, above: 100 * time.Millisecond,
	}
}
