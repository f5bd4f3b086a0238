package app_test

import (
	"context"
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/go-mfa/mfa/examples/webapp/app"
)

// credentialID finds the ids in a list of credentials.
var credentialID = regexp.MustCompile(`"id":"([^"]+)"`)

// userID reads an account's id where only the app knows it.
func (s *server) userID(name string) (id string) {
	s.t.Helper()
	db, err := sql.Open("sqlite", s.database)
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, db.Close()) }()
	require.NoError(s.t, db.QueryRowContext(context.Background(), `SELECT id FROM users WHERE name = ?`, name).Scan(&id))
	return id
}

func TestRestartKeepsSessionsAndEnrolments(t *testing.T) {
	database := filepath.Join(t.TempDir(), "new folder", "web app?#%.db")
	clock := newClock()
	s := startOn(t, database, clock)
	b := s.enrolled("alice")
	key, err := os.ReadFile(database + ".key")
	require.NoError(t, err)
	cookies := b.cookies()
	s.stop()

	s = startOn(t, database, clock)
	after, err := os.ReadFile(database + ".key")
	require.NoError(t, err)
	assert.Equal(t, key, after)
	again := s.browser()
	again.setCookies(cookies)
	a := again.get("/api/account")
	require.Equal(t, http.StatusOK, a.status, a.body)
	assert.Equal(t, "aal2", a.json(t)["aal"])

	fresh := s.browser()
	fresh.secret = b.secret
	require.True(t, fresh.logIn("alice"))
	assert.Equal(t, http.StatusOK, fresh.verify().status)
}

func TestSealingKey(t *testing.T) {
	database := filepath.Join(t.TempDir(), "webapp.db")
	s := startOn(t, database, newClock())
	s.stop()
	info, err := os.Stat(database + ".key")
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	text, err := os.ReadFile(database + ".key")
	require.NoError(t, err)
	assert.Regexp(t, `^[0-9a-f]{64}\n$`, string(text))
	left, err := filepath.Glob(database + ".key.*")
	require.NoError(t, err)
	assert.Empty(t, left, "temporary files")

	options := app.Options{Database: database, Origin: "http://localhost:8080"}
	require.NoError(t, os.WriteFile(database+".key", text[:20], 0o600))
	_, err = app.New(options)
	require.ErrorContains(t, err, "put the right key back")
	require.NoError(t, os.Remove(database+".key"))
	_, err = app.New(options)
	require.ErrorContains(t, err, "put the key back")
	_, err = os.Stat(database + ".key")
	assert.ErrorIs(t, err, os.ErrNotExist, "no other key was made")
}

func TestSealingKeyIsOneForProcessesThatStartAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "webapp.db.key")
	var (
		group sync.WaitGroup
		keys  = make([]string, 16)
		begin = make(chan struct{})
	)
	for i := range keys {
		group.Go(func() {
			<-begin
			if assert.NoError(t, app.MakeKey(file)) {
				text, err := os.ReadFile(file)
				assert.NoError(t, err)
				keys[i] = string(text)
			}
		})
	}
	close(begin)
	group.Wait()
	for _, key := range keys {
		assert.Len(t, key, 65)
		assert.Equal(t, keys[0], key)
	}
}

// The key of a process that starts a moment later is not missed.
func TestSealingKeyIsThereBeforeTheDatabase(t *testing.T) {
	folder := t.TempDir()
	for i := range 200 {
		database := filepath.Join(folder, strconv.Itoa(i)+".db")
		var group sync.WaitGroup
		begin := make(chan struct{})
		for range 4 {
			group.Go(func() {
				<-begin
				if _, err := app.SealingKey(database); assert.NoError(t, err) {
					assert.NoError(t, os.WriteFile(database, nil, 0o600))
				}
			})
		}
		close(begin)
		group.Wait()
	}
}

func TestAppsThatStartAtOnce(t *testing.T) {
	options := app.Options{Database: filepath.Join(t.TempDir(), "webapp.db"), Origin: "http://localhost:8080", PasswordCost: bcrypt.MinCost}
	var group sync.WaitGroup
	begin := make(chan struct{})
	for range 16 {
		group.Go(func() {
			<-begin
			if a, err := app.New(options); assert.NoError(t, err) {
				assert.NoError(t, a.Close())
			}
		})
	}
	close(begin)
	group.Wait()
}

func TestOptionsAreChecked(t *testing.T) {
	_, err := app.New(app.Options{Database: filepath.Join(t.TempDir(), "x.db"), Origin: "localhost:8080"})
	require.ErrorContains(t, err, "give scheme and host")
}
