package totpfactor

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNewRefuses(t *testing.T) {
	for want, c := range map[string]Config{
		"Config.Issuer is empty":      {},
		"Config.Issuer has a colon":   {Issuer: "a:b"},
		"a control character":         {Issuer: "a\r\nb"},
		"invalid UTF-8":               {Issuer: "a\xff"},
		"Config.Issuer has 101 bytes": {Issuer: strings.Repeat("a", 101)},
		"Config.Algorithm":            {Issuer: "a", Algorithm: 3},
		"Config.Digits is 7":          {Issuer: "a", Digits: 7},
		"Config.Digits is -6":         {Issuer: "a", Digits: -6},
		"Config.Period is 1s":         {Issuer: "a", Period: time.Second},
		"Config.Period is 30.5s":      {Issuer: "a", Period: 30500 * time.Millisecond},
		"Config.Period is 1ns":        {Issuer: "a", Period: 1},
		"Config.Period is 1h0m0s":     {Issuer: "a", Period: time.Hour},
		"Config.Period is -30s":       {Issuer: "a", Period: -30 * time.Second},
	} {
		f, err := New(c)
		require.ErrorContains(t, err, want)
		assert.Nil(t, f)
	}
}
