package hostfunctions

import "strconv"

// parseStrings parses a JSON array of strings: ["a","b\n"]. It replaces encoding/json, which would
// make up most of a small module.
func parseStrings(text string) (items []string, ok bool) {
	rest, ok := token(text, '[')
	if !ok {
		return nil, false
	}
	if rest, ok := token(rest, ']'); ok {
		return []string{}, rest == ""
	}
	for {
		var item string
		if item, rest, ok = parseString(rest); !ok {
			return nil, false
		}
		items = append(items, item)
		if after, ok := token(rest, ','); ok {
			rest = after
			continue
		}
		rest, ok = token(rest, ']')
		return items, ok && rest == ""
	}
}

// token consumes a structural character (RFC 8259, section 2) and the whitespace around it, and
// reports whether it was there.
func token(text string, character byte) (rest string, ok bool) {
	text = skipSpace(text)
	if text == "" || text[0] != character {
		return text, false
	}
	return skipSpace(text[1:]), true
}

func skipSpace(text string) string {
	for text != "" && (text[0] == ' ' || text[0] == '\n' || text[0] == '\r' || text[0] == '\t') {
		text = text[1:]
	}
	return text
}

// parseString parses the JSON string at the start of text and returns the remaining text.
func parseString(text string) (value, rest string, ok bool) {
	if text == "" || text[0] != '"' {
		return "", text, false
	}
	var built []byte
	for at := 1; at < len(text); at++ {
		switch character := text[at]; character {
		case '"':
			return string(built), text[at+1:], true
		case '\\':
			at++
			if at == len(text) {
				return "", text, false
			}
			if text[at] != 'u' {
				built = append(built, unescaped(text[at]))
				continue
			}
			units, digits := codePoint(text[at+1:])
			if digits == 0 {
				return "", text, false
			}
			built = append(built, string(units)...)
			at += digits
		default:
			built = append(built, character)
		}
	}
	return "", text, false
}

func unescaped(letter byte) byte {
	switch letter {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return letter
}

// codePoint parses the four hexadecimal digits after \u and, after a high surrogate, the escaped
// low surrogate that follows (\ud83d\udc4b is 👋). It returns the number of bytes read, 0 if the
// digits are invalid.
func codePoint(text string) (point rune, length int) {
	high, ok := fourDigits(text)
	if !ok {
		return 0, 0
	}
	if high < 0xd800 || high > 0xdbff || len(text) < 10 || text[4:6] != `\u` {
		return high, 4
	}
	low, ok := fourDigits(text[6:])
	if !ok || low < 0xdc00 || low > 0xdfff {
		return high, 4
	}
	return (high-0xd800)<<10 + (low - 0xdc00) + 0x10000, 10
}

func fourDigits(text string) (rune, bool) {
	if len(text) < 4 {
		return 0, false
	}
	value, err := strconv.ParseUint(text[:4], 16, 16)
	return rune(value), err == nil
}
