using System.Globalization;
using AgentLightning.Common;

namespace AgentLightning.Cli.Input;

/// <summary>
/// Passes the text of a CSV file on and stops where its quotes do not close as RFC 4180 has it. A reader that goes on there makes one
/// field of many rows, or many of one, and nobody sees it.
/// </summary>
internal sealed class QuoteCheckingReader(TextReader inner, string path, char delimiter) : TextReader
{
    private State _state = State.FieldBegins;
    private long _line = 1;
    private long _opened;

    private enum State
    {
        FieldBegins,
        Plain,
        Quoted,

        /// <summary>A quote was seen in a quoted field: its end, or the first of two that stand for one.</summary>
        QuoteInQuoted,
    }

    public override int Peek() => inner.Peek();

    public override int Read()
    {
        Span<char> one = stackalloc char[1];
        return Read(one) == 0 ? -1 : one[0];
    }

    public override int Read(char[] buffer, int index, int count) => Read(buffer.AsSpan(index, count));

    public override int Read(Span<char> buffer)
    {
        var count = inner.Read(buffer);
        foreach (var c in buffer[..count])
        {
            Check(c);
        }

        if (count == 0 && buffer.Length > 0 && _state == State.Quoted)
        {
            throw Wrong("never closes");
        }

        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Check(char c)
    {
        var ends = c == delimiter || c is '\r' or '\n';
        switch (_state)
        {
            case State.FieldBegins when c == '"':
                (_state, _opened) = (State.Quoted, _line);
                break;
            case State.FieldBegins or State.Plain:
                _state = ends ? State.FieldBegins : State.Plain;
                break;
            case State.Quoted when c == '"':
                _state = State.QuoteInQuoted;
                break;
            case State.QuoteInQuoted when c == '"':
                _state = State.Quoted;
                break;
            case State.QuoteInQuoted when ends:
                _state = State.FieldBegins;
                break;
            case State.QuoteInQuoted:
                throw Wrong(
                    string.Create(CultureInfo.InvariantCulture, $"does not close: after the next one, in line {_line}, the text goes on")
                );
        }

        if (c == '\n')
        {
            _line++;
        }
    }

    private LightningException Wrong(string what) =>
        LightningException.Invalid(
            string.Create(CultureInfo.InvariantCulture, $"'{path}': the quote that opens a field in line {_opened} {what}. ")
                + "Close it, or write a quote that belongs to the text twice."
        );
}
