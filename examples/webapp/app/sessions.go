package app

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
)

// userKey is where the app's sessions hold the id of whoever is signed in.
const userKey = "user"

// newSessions returns the app's sessions, kept in its database, so that they
// outlive a restart. A dump of the table opens no session: it holds hashes of
// the tokens.
func (a *App) newSessions(secure bool) *scs.SessionManager {
	sm := scs.New()
	sm.Store = a.store
	sm.HashTokenInStore = true
	sm.Cookie.Secure = secure
	sm.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		// scs calls this in the midst of another answer, which may have said
		// how long it was going to be, and lets that answer's body follow.
		w.Header().Del("Content-Length")
		a.fail(w, r, err)
	}
	return sm
}

// sessionStore implements [scs.CtxStore]. scs calls the methods without a
// context only for stores that have no others.
type sessionStore struct{ db *sql.DB }

var _ scs.CtxStore = (*sessionStore)(nil)

// FindCtx returns the data of a session that has not expired.
func (s *sessionStore) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT data FROM sessions WHERE token = ? AND expiry > ?`, token, time.Now().UnixMilli()).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// CommitCtx stores a session.
func (s *sessionStore) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO sessions (token, data, expiry) VALUES (?, ?, ?)
		ON CONFLICT (token) DO UPDATE SET data = excluded.data, expiry = excluded.expiry`, token, data, expiry.UnixMilli())
	return err
}

// DeleteCtx deletes a session.
func (s *sessionStore) DeleteCtx(ctx context.Context, token string) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM sessions WHERE token = ?`, token)
	return err
}

// Find implements [scs.Store].
func (s *sessionStore) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit implements [scs.Store].
func (s *sessionStore) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete implements [scs.Store].
func (s *sessionStore) Delete(token string) error {
	return s.DeleteCtx(context.Background(), token)
}

func (s *sessionStore) sweep(ctx context.Context, now time.Time) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM sessions WHERE expiry <= ?`, now.UnixMilli())
	return err
}
