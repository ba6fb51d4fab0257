package transport

import (
	"encoding/json"
	"slices"
	"strings"
)

// parameters of a request, exactly so.
var parameters = []string{"documentId", "extensions", "operationName", "query", "variables"}

// ambiguous says whether another reader of a request in JSON may read something else in it than this server: a key that is there twice,
// of which some take the first and others the last (RFC 8259, section 4), or one that is a parameter's but for upper and lower case, which
// encoding/json takes for it and others don't. Whoever looks at requests before this server must see what it sees.
func ambiguous(payload []byte) bool {
	return walk(payload, func(depth int, key string) bool {
		return depth == 1 && !slices.Contains(parameters, key) &&
			slices.ContainsFunc(parameters, func(p string) bool { return strings.EqualFold(p, key) })
	})
}

// repeated says whether a key of an object in JSON is there twice, wherever in it.
func repeated(text []byte) bool {
	return walk(text, func(int, string) bool { return false })
}

// walk goes through text that has been seen to be JSON, and says whether it came to a key that its object has twice, or that fits.
func walk(text []byte, fits func(depth int, key string) bool) bool {
	var inside []*keys // nil is a list
	awaited := false   // a key is, unless the object ends
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{':
			inside, awaited = append(inside, &keys{}), true
		case '[':
			inside, awaited = append(inside, nil), false
		case '}', ']':
			inside, awaited = inside[:len(inside)-1], false
		case ',':
			awaited = inside[len(inside)-1] != nil
		case '"':
			end := closing(text, i)
			if awaited {
				key := unquoted(text[i : end+1])
				if !inside[len(inside)-1].add(key) || fits(len(inside), key) {
					return true
				}
				awaited = false
			}
			i = end
		}
	}
	return false
}

// closing is where a string ends that begins at i.
func closing(text []byte, i int) int {
	for i++; text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i
}

func unquoted(quoted []byte) (text string) {
	if !slices.Contains(quoted, '\\') {
		return string(quoted[1 : len(quoted)-1])
	}
	_ = json.Unmarshal(quoted, &text) // it is a string
	return text
}

// few keys are looked through faster than they are hashed.
const few = 16

// keys of an object that is being read.
type keys struct {
	first []string
	more  map[string]bool
}

// add notes a key and says whether it is new.
func (k *keys) add(key string) bool {
	if slices.Contains(k.first, key) || k.more[key] {
		return false
	}
	if len(k.first) < few {
		k.first = append(k.first, key)
		return true
	}
	if k.more == nil {
		k.more = map[string]bool{}
	}
	k.more[key] = true
	return true
}
