// Command bench measures what the library adds to the primitive below it: both
// in one run, alternately, as medians of paired runs. It prints the tables of
// docs/performance.md: of single operations, and with -scale and -processes of
// databases that are large and of databases that are busy. With -check it
// fails where a limit is exceeded.
//
// Absolute times depend on the machine; the ratios and differences are what
// the limits are about.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	if dsn := os.Getenv(childEnv); dsn != "" {
		exit(child(dsn, os.Stdin, os.Stdout))
	}
	runs := flag.Int("runs", 10, "paired runs, of which the medians are taken")
	check := flag.Bool("check", false, "fail where a limit is exceeded")
	large := flag.Bool("scale", false, "compare databases of a thousand and of a million users; takes minutes and 4 GB of disk")
	busy := flag.Bool("processes", false, "count the verifications of one process and of several on PostgreSQL")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	report := reportPairs
	switch {
	case *large:
		report = reportScale
	case *busy:
		report = reportProcesses
	}
	exit(inTemp(func(dir string) error {
		t := &table{out: os.Stdout}
		exceeded, err := report(ctx, t, dir, *runs)
		if err = errors.Join(err, t.err); err == nil && *check && exceeded > 0 {
			return fmt.Errorf("%d limits are exceeded", exceeded)
		}
		return err
	}))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// inTemp runs do with a folder that is removed behind it.
func inTemp(do func(dir string) error) error {
	dir, err := os.MkdirTemp("", "mfa-bench")
	if err != nil {
		return err
	}
	return errors.Join(do(dir), os.RemoveAll(dir))
}
