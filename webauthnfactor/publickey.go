package webauthnfactor

import (
	"math/big"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"github.com/go-mfa/mfa/factor"
)

// Sizes of RSA moduli, in bits. Authenticators make keys of 2048; larger ones
// cost time at every verification.
const (
	minRSABits = 2048
	maxRSABits = 4096
)

// checkPublicKey refuses a key that could not verify a signature of one of
// the algorithms that were asked for. Without an attestation statement
// nothing else looks at it before it is stored.
func checkPublicKey(cose []byte, asked []int64) error {
	parsed, err := webauthncose.ParsePublicKey(cose)
	if err != nil {
		return factor.Reject(reasonPublicKey)
	}
	var alg int64
	ok := false
	switch k := parsed.(type) {
	case webauthncose.OKPPublicKeyData:
		alg, ok = k.Algorithm, k.Algorithm == int64(webauthncose.AlgEdDSA)
	case webauthncose.EC2PublicKeyData:
		alg, ok = k.Algorithm, k.Algorithm == int64(webauthncose.AlgES256)
	case webauthncose.RSAPublicKeyData:
		alg, ok = k.Algorithm, k.Algorithm == int64(webauthncose.AlgRS256)
		if ok && !validRSA(&k) {
			return factor.Reject(reasonPublicKey)
		}
	}
	if !ok || !slices.Contains(asked, alg) {
		return factor.Reject(reasonAlgorithm)
	}
	return nil
}

func validRSA(k *webauthncose.RSAPublicKeyData) bool {
	if len(k.Modulus) > 2*maxRSABits/8 {
		return false
	}
	n := new(big.Int).SetBytes(k.Modulus)
	e := new(big.Int).SetBytes(k.Exponent)
	return n.BitLen() >= minRSABits && n.BitLen() <= maxRSABits && n.Bit(0) == 1 &&
		e.BitLen() >= 2 && e.BitLen() <= 31 && e.Bit(0) == 1
}

func credParams(algorithms []int64) []protocol.CredentialParameter {
	params := make([]protocol.CredentialParameter, len(algorithms))
	for i, a := range algorithms {
		params[i] = protocol.CredentialParameter{
			Type:      protocol.PublicKeyCredentialType,
			Algorithm: webauthncose.COSEAlgorithmIdentifier(a),
		}
	}
	return params
}
