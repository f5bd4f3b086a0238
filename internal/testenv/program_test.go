package testenv

import (
	"errors"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAProgramServesWithoutATest(t *testing.T) {
	s, end, err := Serve(func(t testing.TB) *Server { return StartRedis(t) })
	if errors.Is(err, ErrMissing) {
		t.Skip(err)
	}
	require.NoError(t, err)
	assert.Equal(t, "PONG", redisText(t, s, "PING"))
	require.NoError(t, end())
	_, err = net.Dial("tcp", s.Addr())
	require.Error(t, err)
	require.NoDirExists(t, s.folder)
}

func TestAProgramIsToldWhatIsWrong(t *testing.T) {
	_, _, err := Serve(func(t testing.TB) *Server { return StartRedis(t, "--no-such-setting", "1") })
	if errors.Is(err, ErrMissing) {
		t.Skip(err)
	}
	require.ErrorContains(t, err, "redis did not start")
	_, _, err = Serve(func(t testing.TB) *Server {
		tool(t, "no-such-package", "no-such-program")
		return nil
	})
	require.ErrorIs(t, err, ErrMissing)
	require.ErrorContains(t, err, "apt-get install no-such-package")
}
