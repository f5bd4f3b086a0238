package redisstore

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/go-mfa/mfa"
)

// A record is one string in Redis:
//
//	1 byte   the format, 1
//	8 bytes  Version, big-endian
//	8 bytes  ExpiresAt in microseconds since 1970 in UTC, big-endian; never is the zero time
//	the rest is Data
//
// The first nine bytes are its head, which a conditional write compares.
const (
	format     = 1
	headSize   = 1 + 8
	headerSize = headSize + 8
)

// head returns how the value of a record with this version begins.
func head(version int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{format}, uint64(version))
}

func encode(r mfa.Record) []byte {
	b := slices.Grow(head(r.Version), 8+len(r.Data))
	b = binary.BigEndian.AppendUint64(b, uint64(r.ExpiresAt.UnixMicro()))
	return append(b, r.Data...)
}

// decode returns the record that is stored under key.
func decode(key, value string) (mfa.Record, error) {
	b := []byte(value)
	if len(b) < headerSize || b[0] != format {
		return mfa.Record{}, errors.New("what is stored under its key is no record of this format: let nothing else write keys with this prefix")
	}
	return mfa.Record{
		Key:       key,
		Version:   int64(binary.BigEndian.Uint64(b[1:])),
		ExpiresAt: time.UnixMicro(int64(binary.BigEndian.Uint64(b[headSize:]))).UTC(),
		Data:      b[headerSize:],
	}, nil
}
