package storetest

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-mfa/mfa"
)

// sharing hands out the same bytes every time.
type sharing struct {
	mfa.Store
	shared sync.Map
}

func (s *sharing) Record(ctx context.Context, key string) (mfa.Record, error) {
	r, err := s.Store.Record(ctx, key)
	if err == nil {
		data, _ := s.shared.LoadOrStore(r.Version, r.Data)
		r.Data = data.([]byte)
	}
	return r, err
}

// oneBuffer forgets to end each Data where the next one begins.
type oneBuffer struct{ mfa.Store }

func (s oneBuffer) Credentials(ctx context.Context, userID string) ([]mfa.Credential, error) {
	all, err := s.Store.Credentials(ctx, userID)
	var buf []byte
	for _, c := range all {
		buf = append(buf, c.Data...)
	}
	for i, n := 0, 0; i < len(all); i++ {
		end := n + len(all[i].Data)
		all[i].Data = buf[n:end]
		n = end
	}
	return all, err
}

type judging struct{ mfa.Store }

func (s judging) Record(ctx context.Context, key string) (mfa.Record, error) {
	r, err := s.Store.Record(ctx, key)
	if err == nil && !r.ExpiresAt.IsZero() && r.ExpiresAt.Before(time.Now()) {
		return mfa.Record{}, mfa.ErrNotFound
	}
	return r, err
}

type folding struct{ mfa.Store }

func (s folding) Credentials(ctx context.Context, userID string) ([]mfa.Credential, error) {
	var out []mfa.Credential
	for c, err := range s.Store.(mfa.CredentialLister).AllCredentials(ctx) {
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(c.UserID, userID) {
			out = append(out, c)
		}
	}
	return out, nil
}

// joining finds credentials by method and Key in one string.
type joining struct{ mfa.Store }

func (s joining) FindCredential(ctx context.Context, method, key string) (mfa.Credential, error) {
	for c, err := range s.Store.(mfa.CredentialLister).AllCredentials(ctx) {
		if err != nil || c.Method+"_"+c.Key == method+"_"+key {
			return c, err
		}
	}
	return mfa.Credential{}, mfa.ErrNotFound
}

// oneTable keeps records and credentials under one primary key.
type oneTable struct{ mfa.Store }

func (s oneTable) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	if owner(ctx, s.Store, r.Key) != "" {
		return mfa.ErrConflict
	}
	return s.Store.PutRecord(ctx, r, prev)
}

type trimming struct{ mfa.Store }

func (s trimming) Record(ctx context.Context, key string) (mfa.Record, error) {
	return s.Store.Record(ctx, strings.TrimRight(key, " "))
}

func (s trimming) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	r.Key = strings.TrimRight(r.Key, " ")
	return s.Store.PutRecord(ctx, r, prev)
}

func (s trimming) DeleteRecord(ctx context.Context, key string, prev int64) error {
	return s.Store.DeleteRecord(ctx, strings.TrimRight(key, " "), prev)
}

type seconds struct{ mfa.Store }

func (s seconds) CreateCredential(ctx context.Context, c mfa.Credential) error {
	c.CreatedAt, c.UsedAt = c.CreatedAt.Truncate(time.Second), c.UsedAt.Truncate(time.Second)
	return s.Store.CreateCredential(ctx, c)
}

type localTimes struct{ mfa.Store }

func (s localTimes) Record(ctx context.Context, key string) (mfa.Record, error) {
	r, err := s.Store.Record(ctx, key)
	r.ExpiresAt = r.ExpiresAt.In(time.FixedZone("local", 2*3600))
	return r, err
}

type shortData struct{ mfa.Store }

func (s shortData) CreateCredential(ctx context.Context, c mfa.Credential) error {
	if i := bytes.IndexByte(c.Data, 0); i >= 0 {
		c.Data = c.Data[:i]
	}
	return s.Store.CreateCredential(ctx, c)
}

type zeroForAbsent struct{ mfa.Store }

func (s zeroForAbsent) FindCredential(ctx context.Context, method, key string) (mfa.Credential, error) {
	c, err := s.Store.FindCredential(ctx, method, key)
	if errors.Is(err, mfa.ErrNotFound) {
		return mfa.Credential{}, nil
	}
	return c, err
}

type faultIsNone struct{ mfa.Store }

func (s faultIsNone) Credentials(ctx context.Context, userID string) ([]mfa.Credential, error) {
	all, _ := s.Store.Credentials(ctx, userID)
	return all, nil
}

type faultIsConflict struct{ mfa.Store }

func (s faultIsConflict) DeleteRecord(ctx context.Context, key string, prev int64) error {
	if s.Store.DeleteRecord(ctx, key, prev) != nil {
		return mfa.ErrConflict
	}
	return nil
}

type sweepsAll struct {
	mfa.Store
	mfa.RecordSweeper
}

func (s sweepsAll) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	if r.ExpiresAt.IsZero() {
		r.ExpiresAt = time.Unix(0, 0)
	}
	return s.Store.PutRecord(ctx, r, prev)
}

func (s sweepsAll) Record(ctx context.Context, key string) (mfa.Record, error) {
	r, err := s.Store.Record(ctx, key)
	if r.ExpiresAt.Equal(time.Unix(0, 0)) {
		r.ExpiresAt = time.Time{}
	}
	return r, err
}

// sweepsPage sweeps as much as one statement with a limit does.
type sweepsPage struct {
	mfa.Store
	keys sync.Map
}

func (s *sweepsPage) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	err := s.Store.PutRecord(ctx, r, prev)
	if err == nil {
		s.keys.Store(r.Key, r)
	}
	return err
}

func (s *sweepsPage) SweepRecords(ctx context.Context, before time.Time) error {
	n := 0
	for _, value := range s.keys.Range {
		r := value.(mfa.Record)
		if r.ExpiresAt.IsZero() || !r.ExpiresAt.Before(before) {
			continue
		}
		if n++; n > 100 {
			return nil
		}
		s.keys.Delete(r.Key)
		if err := s.DeleteRecord(ctx, r.Key, r.Version); err != nil {
			return err
		}
	}
	return nil
}

// bounded is a cache: it makes room for new records.
type bounded struct {
	mfa.Store
	mu   sync.Mutex
	keys []string
}

func (s *bounded) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	if err := s.Store.PutRecord(ctx, r, prev); err != nil || prev != 0 {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = append(s.keys, r.Key)
	if len(s.keys) <= 1000 {
		return nil
	}
	oldest, err := s.Record(ctx, s.keys[0])
	s.keys = s.keys[1:]
	if err != nil {
		return nil // spent already
	}
	return s.DeleteRecord(ctx, oldest.Key, oldest.Version)
}

type deletesOne struct {
	mfa.Store
	mfa.CredentialLister
}

func (s deletesOne) DeleteUser(ctx context.Context, userID string) error {
	all, err := s.Credentials(ctx, userID)
	if err != nil || len(all) == 0 {
		return err
	}
	return s.DeleteCredential(ctx, userID, all[0].ID, all[0].Version)
}

type listsPage struct {
	mfa.Store
	lister mfa.CredentialLister
}

func (s listsPage) AllCredentials(ctx context.Context) iter.Seq2[mfa.Credential, error] {
	return func(yield func(mfa.Credential, error) bool) {
		n := 0
		for c, err := range s.lister.AllCredentials(ctx) {
			if n++; n > 100 || !yield(c, err) {
				return
			}
		}
	}
}

// listsOffsets counts rows from the start for each page.
type listsOffsets struct {
	mfa.Store
	lister mfa.CredentialLister
}

func (s listsOffsets) AllCredentials(ctx context.Context) iter.Seq2[mfa.Credential, error] {
	return func(yield func(mfa.Credential, error) bool) {
		const page = 10
		for offset := 0; ; offset += page {
			all := map[string]mfa.Credential{}
			for c, err := range s.lister.AllCredentials(ctx) {
				if err != nil {
					yield(c, err)
					return
				}
				all[c.ID] = c
			}
			ids := slices.Sorted(maps.Keys(all))
			for _, id := range ids[min(offset, len(ids)):min(offset+page, len(ids))] {
				if !yield(all[id], nil) {
					return
				}
			}
			if offset >= len(ids) {
				return
			}
		}
	}
}
