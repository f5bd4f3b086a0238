package app

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/go-mfa/mfa"
)

// user is an account. Its id never changes and is never given away again; the
// name is only what it signs in with.
type user struct{ id, name, email, phone string }

var (
	errNameTaken   = errors.New("this name is taken")
	errBadName     = errors.New("a name has 1 to 64 letters a-z, digits, and the characters . _ @ + -")
	errBadPassword = errors.New("a password has 1 to 72 bytes")
	errWrongLogin  = errors.New("wrong name or password")
)

// users keeps accounts and their passwords.
type users struct {
	db   *sql.DB
	cost int
	// decoy is compared with when nobody has the name, so that an answer
	// takes as long for a name nobody has as for a wrong password.
	decoy []byte
}

// decoyHash is of a random password at bcrypt.DefaultCost. Making it at each
// start would double the time that a start takes.
const decoyHash = "$2a$10$e7z6KWYD2VKNhDkOrVKjVOxvsbGVf6t7bzX.DvVlgk0x7zLAWHRjK"

func newUsers(db *sql.DB, cost int) (*users, error) {
	u := &users{db: db, cost: cost, decoy: []byte(decoyHash)}
	if cost != bcrypt.DefaultCost {
		var err error
		if u.decoy, err = bcrypt.GenerateFromPassword([]byte(rand.Text()), cost); err != nil {
			return nil, err
		}
	}
	return u, nil
}

var namePattern = regexp.MustCompile(`^[a-z0-9._@+-]{1,64}$`)

// normalizeName makes one name of the ways in which somebody types it.
func normalizeName(name string) string {
	return strings.ToLower(strings.TrimSpace(name))
}

// create makes an account.
func (u *users) create(ctx context.Context, name, password, email, phone string) (user, error) {
	name = normalizeName(name)
	switch {
	case !namePattern.MatchString(name):
		return user{}, errBadName
	case len(password) == 0 || len(password) > 72: // what bcrypt takes
		return user{}, errBadPassword
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), u.cost)
	if err != nil {
		return user{}, err
	}
	created := user{id: rand.Text(), name: name, email: strings.TrimSpace(email), phone: strings.TrimSpace(phone)}
	result, err := u.db.ExecContext(ctx,
		`INSERT INTO users (id, name, password, email, phone) VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING`,
		created.id, created.name, hash, created.email, created.phone)
	if err != nil {
		return user{}, fmt.Errorf("creating a user: %w", err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return user{}, fmt.Errorf("creating a user: %w", err)
	}
	if n == 0 {
		return user{}, errNameTaken
	}
	return created, nil
}

// check returns the account with this name and password, or errWrongLogin. The
// two reasons for it take the same time.
func (u *users) check(ctx context.Context, name, password string) (user, error) {
	var (
		found user
		hash  []byte
	)
	err := u.db.QueryRowContext(ctx, `SELECT id, name, email, phone, password FROM users WHERE name = ?`, normalizeName(name)).
		Scan(&found.id, &found.name, &found.email, &found.phone, &hash)
	nobody := errors.Is(err, sql.ErrNoRows)
	if nobody {
		hash = u.decoy
	} else if err != nil {
		return user{}, fmt.Errorf("reading a user: %w", err)
	}
	err = bcrypt.CompareHashAndPassword(hash, []byte(password))
	switch {
	case nobody, errors.Is(err, bcrypt.ErrMismatchedHashAndPassword), errors.Is(err, bcrypt.ErrPasswordTooLong):
		return user{}, errWrongLogin
	case err != nil:
		return user{}, fmt.Errorf("checking a password: %w", err)
	}
	return found, nil
}

// changeContact replaces the addresses of an account and returns what they were.
func (u *users) changeContact(ctx context.Context, id string, to contact) (was contact, err error) {
	tx, err := u.db.BeginTx(ctx, nil)
	if err != nil {
		return contact{}, fmt.Errorf("changing addresses: %w", err)
	}
	err = tx.QueryRowContext(ctx, `SELECT email, phone FROM users WHERE id = ?`, id).Scan(&was.Email, &was.Phone)
	if err == nil {
		_, err = tx.ExecContext(ctx, `UPDATE users SET email = ?, phone = ? WHERE id = ?`, to.Email, to.Phone, id)
	}
	if err != nil {
		return contact{}, errors.Join(fmt.Errorf("changing addresses: %w", err), tx.Rollback())
	}
	return was, tx.Commit()
}

// idByName is mfa.Config.FindUser.
func (u *users) idByName(ctx context.Context, name string) (id string, err error) {
	err = u.db.QueryRowContext(ctx, `SELECT id FROM users WHERE name = ?`, normalizeName(name)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", mfa.ErrNotFound
	}
	return id, err
}

// byID returns an account.
func (u *users) byID(ctx context.Context, id string) (user, error) {
	found := user{id: id}
	err := u.db.QueryRowContext(ctx, `SELECT name, email, phone FROM users WHERE id = ?`, id).
		Scan(&found.name, &found.email, &found.phone)
	if err != nil {
		return user{}, fmt.Errorf("reading user %q: %w", id, err)
	}
	return found, nil
}
