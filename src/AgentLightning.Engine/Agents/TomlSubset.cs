using System.Globalization;
using System.Text;
using AgentLightning.Common;

namespace AgentLightning.Engine.Agents;

/// <summary>A value and the line it stands on, from 1.</summary>
/// <param name="Value">A string, long, double or bool.</param>
internal readonly record struct TomlValue(object Value, int Line);

/// <summary>
/// Reads the part of TOML that settings need: tables, dotted and bare keys, strings of one line, whole and decimal numbers, true and false,
/// comments. Anything else is an error that names the line.
/// </summary>
internal sealed class TomlSubset
{
    private readonly string _name;
    private readonly Dictionary<string, TomlValue> _values = new(StringComparer.Ordinal);
    private readonly HashSet<string> _tables = new(StringComparer.Ordinal);
    private string _line = "";
    private int _number,
        _at;

    private TomlSubset(string name) => _name = name;

    /// <summary>Every value under its full name, <c>table.subtable.key</c>.</summary>
    /// <param name="name">The file, for messages.</param>
    /// <exception cref="LightningException">A line is wrong, or of a kind that is not read.</exception>
    public static IReadOnlyDictionary<string, TomlValue> Parse(string name, string text)
    {
        var reader = new TomlSubset(name);
        var table = "";
        foreach (var line in text.Split('\n'))
        {
            (reader._line, reader._at) = (line.TrimEnd('\r'), 0);
            reader._number++;
            table = reader.ReadLine(table);
        }

        return reader._values;
    }

    private string ReadLine(string table)
    {
        SkipBlanks();
        if (AtEnd())
        {
            return table;
        }

        if (Peek() == '[')
        {
            _at++;
            if (Peek() == '[')
            {
                throw Wrong("lists of tables are not read here");
            }

            table = ReadKey();
            Expect(']');
            if (!_tables.Add(table) || _values.ContainsKey(table))
            {
                throw Wrong($"'{table}' is there already");
            }
        }
        else
        {
            var key = ReadKey();
            Expect('=');
            SkipBlanks();
            var value = ReadValue();
            var name = table.Length > 0 ? $"{table}.{key}" : key;
            if (!_values.TryAdd(name, new TomlValue(value, _number)) || _tables.Contains(name))
            {
                throw Wrong($"'{name}' is there already");
            }
        }

        SkipBlanks();
        return AtEnd() ? table : throw Wrong($"'{_line[_at..]}' is too much");
    }

    private string ReadKey()
    {
        var key = new StringBuilder();
        while (true)
        {
            SkipBlanks();
            var part = Peek() is '"' or '\''
                ? ReadString()
                : ReadWhile(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-');
            if (part.Length == 0 || part.Contains('.', StringComparison.Ordinal))
            {
                throw Wrong("a name is expected, of letters, digits, '_' and '-'");
            }

            key.Append(part);
            SkipBlanks();
            if (Peek() != '.')
            {
                return key.ToString();
            }

            _at++;
            key.Append('.');
        }
    }

    private object ReadValue()
    {
        if (Peek() is '"' or '\'')
        {
            return ReadString();
        }

        if (Peek() is '[' or '{')
        {
            throw Wrong("lists and tables in one line are not read here");
        }

        var word = ReadWhile(letter => letter is not ('#' or ' ' or '\t'));
        var digits = word.Replace("_", "", StringComparison.Ordinal);
        return word switch
        {
            "true" => true,
            "false" => false,
            _ when digits.Length == 0
                    || word.StartsWith('_')
                    || word.EndsWith('_')
                    || !(char.IsAsciiDigit(digits[0]) || digits[0] is '+' or '-') => throw Wrong(
                $"'{word}' is not a value; texts stand in quotes"
            ),
            _ when long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) => whole,
            _ when double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out var real)
                    && double.IsFinite(real)
                    && char.IsAsciiDigit(digits[^1]) => real,
            _ => throw Wrong($"'{word}' is neither a number, nor true or false, nor a text in quotes"),
        };
    }

    private string ReadString()
    {
        var quote = _line[_at++];
        if (_line.AsSpan(_at).StartsWith([quote, quote]))
        {
            throw Wrong("texts of several lines are not read here");
        }

        var text = new StringBuilder();
        while (_at < _line.Length && _line[_at] != quote)
        {
            text.Append(_line[_at] == '\\' && quote == '"' ? ReadEscape() : _line[_at++].ToString());
        }

        if (_at++ >= _line.Length)
        {
            throw Wrong($"the text has no closing {quote}");
        }

        return text.ToString();
    }

    private string ReadEscape()
    {
        var letter = _at + 1 < _line.Length ? _line[_at + 1] : '\0';
        var digits = letter switch
        {
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        _at += 2;
        if (digits > 0)
        {
            var hex = _line.AsSpan(Math.Min(_at, _line.Length), Math.Min(digits, Math.Max(0, _line.Length - _at)));
            _at += digits;
            return
                hex.Length == digits
                && int.TryParse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code)
                && Rune.IsValid(code)
                ? new Rune(code).ToString()
                : throw Wrong($"'\\{letter}{hex}' is not a character");
        }

        return letter switch
        {
            'b' => "\b",
            't' => "\t",
            'n' => "\n",
            'f' => "\f",
            'r' => "\r",
            '"' => "\"",
            '\\' => "\\",
            _ => throw Wrong($"'\\{letter}' is not known; a backslash itself is '\\\\', or put the text in single quotes"),
        };
    }

    private string ReadWhile(Func<char, bool> condition)
    {
        var start = _at;
        while (_at < _line.Length && condition(_line[_at]))
        {
            _at++;
        }

        return _line[start.._at];
    }

    private void Expect(char letter)
    {
        SkipBlanks();
        if (Peek() != letter)
        {
            throw Wrong($"'{letter}' is expected");
        }

        _at++;
    }

    private void SkipBlanks() => ReadWhile(letter => letter is ' ' or '\t');

    private char Peek() => _at < _line.Length ? _line[_at] : '\0';

    private bool AtEnd() => Peek() is '\0' or '#';

    private LightningException Wrong(string what) => LightningException.Invalid($"{_name}, line {_number}: {what}.");
}
