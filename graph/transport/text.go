package transport

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/lexer"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/mediconnect/mediconnect/graph/limits"
	"github.com/mediconnect/mediconnect/graph/presenter"
)

// broken says whether JSON holds text that is no Unicode: bytes that are not UTF-8, or half a surrogate pair. Go's decoder
// puts U+FFFD in their place, and the wrong text would be kept.
func broken(body []byte) bool {
	return !utf8.Valid(body) || halved(body)
}

// halved says whether text with escapes names half a surrogate pair.
func halved(body []byte) bool {
	for i := 0; i+1 < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		i++
		unit, ok := escaped(body[i:])
		switch {
		case !ok || !utf16.IsSurrogate(unit):
		case i+5 < len(body) && body[i+5] == '\\' && paired(unit, body[i+6:]):
			i += 10
		default:
			return true
		}
	}
	return false
}

func paired(first rune, rest []byte) bool {
	second, ok := escaped(rest)
	return ok && utf16.DecodeRune(first, second) != utf8.RuneError
}

// escaped reads the code unit of uXXXX.
func escaped(b []byte) (rune, bool) {
	if len(b) < 5 || b[0] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[1:5]), 16, 16)
	return rune(n), err == nil
}

// halvedLiteral says whether a string written out in a document has half a surrogate pair, in whose place the parser would put
// U+FFFD. A block string has no such escapes.
func halvedLiteral(document string) bool {
	if !strings.Contains(document, `\u`) {
		return false
	}
	characters := []rune(document)
	for l := lexer.New(&ast.Source{Input: document}); ; {
		token, err := l.ReadToken()
		if err != nil || token.Kind == lexer.EOF {
			return false // the executor says what is wrong
		}
		if token.Kind == lexer.String && halved([]byte(string(characters[token.Pos.Start:token.Pos.End]))) {
			return true
		}
	}
}

// argument is where the document uses a variable; one that can't be read uses none.
func (in *request) argument(path []string) []string {
	var text string
	if in.Query != nil {
		text = *in.Query
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, limits.Default().Tokens)
	if err != nil {
		return presenter.Argument(nil, nil, path)
	}
	return presenter.Argument(doc, doc.Operations.ForName(in.OperationName), path)
}

// replaced finds the first text with U+FFFD in it.
func replaced(value any) ([]string, bool) {
	switch v := value.(type) {
	case string:
		return nil, strings.ContainsRune(v, utf8.RuneError)
	case []any:
		for i, item := range v {
			if path, found := replaced(item); found {
				return append([]string{strconv.Itoa(i)}, path...), true
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if path, found := replaced(v[name]); found {
				return append([]string{name}, path...), true
			}
		}
	}
	return nil, false
}
