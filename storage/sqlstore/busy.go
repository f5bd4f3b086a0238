package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"time"

	"github.com/go-mfa/mfa"
)

// Twenty tries take about a second if each fails at once: enough for 64 requests
// to each node of a Galera cluster that all change one row. Where the database
// waits by itself before it gives up, there is no other try after two seconds.
const (
	busyTries    = 20
	busyTime     = 2 * time.Second
	longestPause = 128 * time.Millisecond
)

// retry repeats what the database was too busy for, for a second or two, and
// then wraps mfa.ErrBusy. It repeats nothing that may have happened: a lost
// connection is returned as it is.
func (s *Store) retry(ctx context.Context, do func() error) error {
	began := time.Now()
	for try := 1; ; try++ {
		err := do()
		if err == nil || !s.dialect.busy(err) {
			return err
		}
		if try == busyTries || time.Since(began) > busyTime {
			return fmt.Errorf("%w: %w", mfa.ErrBusy, err)
		}
		timer := time.NewTimer(rand.N(min(time.Millisecond<<try, longestPause)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w: %w: %w", ctx.Err(), mfa.ErrBusy, err)
		case <-timer.C:
		}
	}
}

// busy reports whether the database says that it did nothing and that trying
// again may help.
func (d Dialect) busy(err error) bool {
	switch d {
	case SQLite:
		return walk(err, func(err error) bool {
			code, ok := sqliteCode(err)
			return ok && (code&0xff == 5 || code&0xff == 6) // SQLITE_BUSY, SQLITE_LOCKED
		})
	case PostgreSQL:
		var coded interface{ SQLState() string } // pgx and lib/pq
		if !errors.As(err, &coded) {
			return false
		}
		switch coded.SQLState() {
		case "40001", "40P01", "55P03": // serialization_failure, deadlock_detected, lock_not_available
			return true
		}
		return false
	case MySQL:
		switch mysqlNumber(err) {
		// ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK (a failed certification of
		// Galera, too), ER_CHECKREAD (MariaDB's snapshot isolation), and
		// ER_UNKNOWN_COM_ERROR, by which a node that is out of its cluster
		// refuses.
		case 1205, 1213, 1020, 1047:
			return true
		}
		return false
	default:
		return false
	}
}

// duplicate reports whether an INSERT met a row with its key.
func (d Dialect) duplicate(err error) bool {
	n := mysqlNumber(err)
	return d == MySQL && (n == 1062 || n == 1586) // ER_DUP_ENTRY, ER_DUP_ENTRY_WITH_KEY_NAME
}

// mysqlNumber returns the number of an error of go-sql-driver/mysql, which has
// it in a field, or zero. The package imports no driver.
func mysqlNumber(err error) (n uint64) {
	walk(err, func(err error) bool {
		if f := field(err, "Number"); f.IsValid() && f.CanUint() {
			n = f.Uint()
		}
		return n != 0
	})
	return n
}

// sqliteCode returns the result code of an error: modernc.org/sqlite has a
// method for it, mattn/go-sqlite3 a field.
func sqliteCode(err error) (code int64, ok bool) {
	if coded, is := err.(interface{ Code() int }); is {
		return int64(coded.Code()), true
	}
	if f := field(err, "Code"); f.IsValid() && f.CanInt() {
		return f.Int(), true
	}
	return 0, false
}

func field(err error, name string) reflect.Value {
	v := reflect.Indirect(reflect.ValueOf(err))
	if v.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	return v.FieldByName(name)
}

// walk visits an error and all that it wraps until visit returns true.
func walk(err error, visit func(error) bool) bool {
	if err == nil {
		return false
	}
	if visit(err) {
		return true
	}
	switch u := err.(type) { //nolint:errorlint // this is what unwraps
	case interface{ Unwrap() error }:
		return walk(u.Unwrap(), visit)
	case interface{ Unwrap() []error }:
		for _, err := range u.Unwrap() {
			if walk(err, visit) {
				return true
			}
		}
	}
	return false
}
