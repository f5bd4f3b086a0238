package webapp

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-mfa/mfa/internal/e2e/testenv"
)

func raw(b []byte) json.RawMessage { return json.RawMessage(b) }

// breakings make one kind of write fail in the database itself.
func breakings() map[string]string {
	all := map[string]string{}
	for _, table := range []string{"mfa_credentials", "mfa_records", "sessions"} {
		for _, op := range []string{"INSERT", "UPDATE", "DELETE"} {
			all[table+" "+op] = fmt.Sprintf(`CREATE TRIGGER broken BEFORE %s ON %s BEGIN SELECT RAISE(ABORT, 'broken for a test'); END`, op, table)
		}
	}
	return all
}

// A store or a session that fails answers 503, raises nothing and loses
// nothing: with another answer the same request succeeds once it works again.
func TestC01_FailingWritesRaiseAndLoseNothing(t *testing.T) {
	d := single(t)
	unavailable := 0
	for what, statement := range breakings() {
		t.Run(what, func(t *testing.T) {
			name := fmt.Sprintf("user%x", what)
			owner := d.enrolled(t, name)
			credentials := func() (n int) {
				var all []any
				owner.Must(http.StatusOK, http.MethodGet, "/mfa/api/credentials", nil).Into(t, &all)
				return len(all)
			}
			require.Equal(t, 2, credentials())
			broken := func(request func() testenv.Answer) testenv.Answer {
				testenv.Exec(t, d.database, statement)
				defer testenv.Exec(t, d.database, `DROP TRIGGER broken`)
				a := request()
				if a.Status >= 500 {
					unavailable++
					assert.Equal(t, http.StatusServiceUnavailable, a.Status)
					assert.NotEmpty(t, a.Header.Get("Retry-After"))
					assert.NotContains(t, string(a.Body), "broken for a test")
				}
				return a
			}

			for _, method := range []string{"totp", "lookup_secret"} {
				c := d.pending(t, 1, name, owner)[0]
				answer := func() string {
					if method == "totp" {
						return owner.App.Code(d.wait(30 * time.Second))
					}
					code := owner.Codes[0]
					owner.Codes = owner.Codes[1:]
					return code
				}
				a := broken(func() testenv.Answer {
					return c.Do(http.MethodPost, "/mfa/api/challenges", testenv.Object{"method": method, "response": answer()})
				})
				if a.Status == http.StatusOK {
					assert.Equal(t, "aal2", c.AAL())
					continue
				}
				assert.Equal(t, http.StatusServiceUnavailable, a.Status, method)
				assert.Empty(t, c.AAL(), "nothing was raised")
				if c.Do(http.MethodGet, "/mfa/api/session", nil).Status == http.StatusUnauthorized {
					c = d.pending(t, 1, name, owner)[0] // the session is gone, and can be begun again
				}
				again, err := c.Verify(method, answer())
				require.NoError(t, err)
				assert.Equal(t, http.StatusOK, again.Status, "%s: it works again: %s", method, again.Body)
				assert.Equal(t, "aal2", c.AAL())
			}

			// An enrolment that fails leaves nothing or a whole credential.
			owner = d.pending(t, 1, name, owner)[0]
			a, err := owner.Verify("lookup_secret", owner.Codes[5])
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, a.Status)
			ceremony := owner.BeginEnroll()
			at := d.wait(30 * time.Second)
			a = broken(func() testenv.Answer {
				return owner.Do(http.MethodPost, "/mfa/api/enrollments/"+ceremony, testenv.Object{"response": owner.App.Code(at)})
			})
			if owner.AAL() == "" {
				owner = d.pending(t, 1, name, owner)[0]
				again, err := owner.Verify("lookup_secret", owner.Codes[6])
				require.NoError(t, err)
				require.Equal(t, http.StatusOK, again.Status)
			}
			n := credentials()
			if a.Status == http.StatusCreated {
				assert.Equal(t, 3, n)
			}
			if n == 3 {
				again, err := owner.Verify("totp", owner.App.Code(d.wait(30*time.Second)))
				require.NoError(t, err)
				assert.Equal(t, http.StatusOK, again.Status, "what is stored is usable")
			} else {
				assert.Equal(t, 2, n)
			}
		})
	}
	assert.Greater(t, unavailable, 5, "the failures were met")
}

// A store that hangs is not waited for without end, and nothing stays behind
// that waits for it. The answer that it did not take is still good.
func TestP08_HangingStore(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("run", func(t *testing.T) {
		d := single(t)
		owner := d.enrolled(t, "alice")
		waiting := d.pending(t, 2, "alice", owner)
		db, err := sql.Open("sqlite", "file:"+d.database)
		require.NoError(t, err)
		lock, err := db.Conn(t.Context())
		require.NoError(t, err)
		_, err = lock.ExecContext(t.Context(), `BEGIN IMMEDIATE`)
		require.NoError(t, err)

		code := owner.App.Code(d.now)
		impatient, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_, err = waiting[0].VerifyWithin(impatient, "totp", code)
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		begun := time.Now()
		a, err := waiting[1].Verify("totp", code)
		require.NoError(t, err)
		assert.Equal(t, http.StatusServiceUnavailable, a.Status)
		// One deadline of the library's, and the time for which SQLite keeps the
		// demo's only connection waiting for the request that was given up.
		assert.Less(t, time.Since(begun), 40*time.Second)

		_, err = lock.ExecContext(t.Context(), `ROLLBACK`)
		require.NoError(t, err)
		require.NoError(t, lock.Close())
		require.NoError(t, db.Close())
		a, err = waiting[1].Verify("totp", code)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, a.Status, string(a.Body))
		for _, c := range append(waiting, owner) {
			c.HTTP.CloseIdleConnections()
		}
	})
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	// scs.New starts it for its own store, which the demo does not use.
	goleak.VerifyNone(t, before, goleak.IgnoreTopFunction("github.com/alexedwards/scs/v2/memstore.(*MemStore).startCleanup"))
}
