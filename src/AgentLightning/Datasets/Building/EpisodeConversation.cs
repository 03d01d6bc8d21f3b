using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using AgentLightning.Common;

namespace AgentLightning.Datasets.Building;

/// <summary>
/// An episode as a conversation that ends with its answer: from its messages where it has some, and otherwise from input and output, with
/// the calls of tools told in words before the answer. Messages are written as JSON, in the form of <see cref="DatasetMessage"/>.
/// </summary>
internal sealed class EpisodeConversation(string? systemPrompt, bool includeTools)
{
    private const int MostArguments = 200;
    private const int MostResult = 500;
    private readonly ArrayBufferWriter<byte> _text = new(4_096);
    private readonly InputSignature _signature = new();
    private readonly Queue<string> _asked = new();
    private int _answerAt;
    private bool _any;

    /// <summary>The messages before the answer, each with a comma after it.</summary>
    public ReadOnlySpan<byte> Context => _text.WrittenSpan[.._answerAt];

    /// <summary>The message that answers.</summary>
    public ReadOnlySpan<byte> Answer => _text.WrittenSpan[_answerAt..];

    /// <summary>Of what was said before the answer; the same when it is written differently.</summary>
    public ulong ContextHash => StableHash.OfWords(Context);

    /// <summary>Reads an episode; false when nothing was answered.</summary>
    /// <param name="answer">Stands in place of the answer, where a reviewer said what would have been right.</param>
    public bool TryRead(EpisodeContent episode, byte[]? answer = null)
    {
        _text.ResetWrittenCount();
        _signature.Begin();
        _asked.Clear();
        _any = false;
        if (!TryReadMessages(episode.Messages, out var isAnswered))
        {
            _text.ResetWrittenCount();
            _signature.Begin();
            _any = false;
            isAnswered = false;
            _signature.Add(episode.Input);
            WriteText("user", episode.Input);
            if (answer is null && includeTools && episode.ToolCalls is { } calls && Trace(calls) is { Length: > 0 } trace)
            {
                answer = [.. Encoding.UTF8.GetBytes(trace + "\n\n"), .. episode.Output];
            }
        }

        if (answer is not null && isAnswered)
        {
            Cut(_answerAt);
        }
        else if (isAnswered)
        {
            return true;
        }

        _answerAt = _text.WrittenCount;
        answer ??= episode.Output;
        WriteText("assistant", answer);
        Cut(_text.WrittenCount - 1);
        return answer.AsSpan().ContainsAnyExcept(" \t\r\n"u8);
    }

    /// <summary>What the user said, in short: <see cref="InputSignature"/>.</summary>
    public void Sign(EpisodeContent episode, Span<byte> signature) => _signature.End(episode.Input, signature);

    /// <summary>False when there are none, or when they are not what they should be.</summary>
    /// <param name="isAnswered">Whether the last one is of the assistant, and so the answer.</param>
    private bool TryReadMessages(byte[]? json, out bool isAnswered)
    {
        isAnswered = false;
        if (json is null)
        {
            return false;
        }

        try
        {
            var reader = new Utf8JsonReader(json);
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
            {
                isAnswered = ReadMessage(json, ref reader) ?? isAnswered;
            }
        }
        catch (JsonException)
        {
            return false;
        }

        if (isAnswered)
        {
            Cut(_text.WrittenCount - 1);
        }

        // An answer to nothing is none.
        return _any && (!isAnswered || _answerAt > 0);
    }

    /// <summary>Writes one message; null when it has no place in the conversation, and else whether it is the assistant's.</summary>
    private bool? ReadMessage(ReadOnlySpan<byte> json, ref Utf8JsonReader reader)
    {
        var role = "user";
        ReadOnlySpan<byte> content = default;
        ReadOnlySpan<byte> calls = default;
        string? answers = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.ValueSpan;
            reader.Read();
            if (name.SequenceEqual("role"u8))
            {
                role = RoleOf(ref reader);
            }
            else if (name.SequenceEqual("content"u8) && reader.TokenType == JsonTokenType.String)
            {
                content = json[(int)reader.TokenStartIndex..(int)reader.BytesConsumed];
            }
            else if (name.SequenceEqual("tool_call_id"u8) && reader.TokenType == JsonTokenType.String)
            {
                answers = reader.GetString();
            }
            else if (name.SequenceEqual("tool_calls"u8) && reader.TokenType == JsonTokenType.StartArray)
            {
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                calls = json[start..(int)reader.BytesConsumed];
            }
            else
            {
                reader.Skip();
            }
        }

        return Take(role, content, calls, answers);
    }

    private bool? Take(string role, ReadOnlySpan<byte> content, ReadOnlySpan<byte> calls, string? answers)
    {
        if (!includeTools)
        {
            calls = default;
        }

        if (role == "tool" && !includeTools)
        {
            // What was said before it is no answer to it.
            return false;
        }

        if (content.Length <= 2 && calls.Length <= 2 && role != "tool")
        {
            return null;
        }

        if (role == "user" && content.Length > 2)
        {
            _signature.Add(JsonBytes.TextOf(content));
        }

        Begin(role);
        if (content.IsEmpty)
        {
            _text.Write(role == "tool" ? "\"\""u8 : "null"u8);
        }
        else
        {
            _text.Write(content);
        }

        if (calls.Length > 2 && role == "assistant")
        {
            WriteCalls(calls);
        }

        if (role == "tool" && (answers ?? (_asked.TryDequeue(out var asked) ? asked : null)) is { } call)
        {
            _text.Write(",\"tool_call_id\":"u8);
            _text.WriteText(call);
        }

        _text.Write("},"u8);
        return role == "assistant";
    }

    private void WriteCalls(ReadOnlySpan<byte> json)
    {
        _asked.Clear();
        var first = true;
        foreach (var call in JsonSerializer.Deserialize<List<AskedCall>>(json, LightningJson.Options) ?? [])
        {
            _text.Write(first ? ",\"tool_calls\":[{\"id\":"u8 : ",{\"id\":"u8);
            first = false;
            var id = call.Id ?? string.Create(CultureInfo.InvariantCulture, $"call_{_asked.Count + 1}");
            _asked.Enqueue(id);
            _text.WriteText(id);
            _text.Write(",\"name\":"u8);
            _text.WriteText(call.Name ?? "");
            _text.Write(",\"arguments\":"u8);
            _text.WriteText(string.IsNullOrWhiteSpace(call.Arguments) ? "{}" : call.Arguments);
            _text.Write("}"u8);
        }

        if (!first)
        {
            _text.Write("]"u8);
        }
    }

    private void WriteText(string role, ReadOnlySpan<byte> text)
    {
        Begin(role);
        _text.WriteText(text);
        _text.Write("},"u8);
    }

    /// <summary>Up to the content of a message; the first one may have the system prompt before it.</summary>
    private void Begin(string role)
    {
        if (!_any && systemPrompt is not null && role != "system")
        {
            _text.Write("{\"role\":\"system\",\"content\":"u8);
            _text.WriteText(systemPrompt);
            _text.Write("},"u8);
        }

        _any = true;
        _answerAt = _text.WrittenCount;
        _text.Write("{\"role\":\""u8);
        _text.WriteEscaped(Encoding.UTF8.GetBytes(role));
        _text.Write("\",\"content\":"u8);
    }

    /// <summary>Takes off what was written after.</summary>
    private void Cut(int length)
    {
        if (length < _text.WrittenCount)
        {
            // The writer only goes on, or begins again; beginning again leaves the bytes where they are.
            _text.ResetWrittenCount();
            _text.GetSpan(length);
            _text.Advance(length);
        }
    }

    private static string RoleOf(ref Utf8JsonReader reader) =>
        reader.TokenType != JsonTokenType.String ? "user"
        : reader.ValueTextEquals("assistant"u8) || reader.ValueTextEquals("ai"u8) || reader.ValueTextEquals("model"u8) ? "assistant"
        : reader.ValueTextEquals("system"u8) || reader.ValueTextEquals("developer"u8) ? "system"
        : reader.ValueTextEquals("tool"u8) || reader.ValueTextEquals("function"u8) ? "tool"
        : "user";

    /// <summary>The calls of tools in words, a line each: what is long is left out.</summary>
    private static string Trace(byte[] json)
    {
        try
        {
            var calls = JsonSerializer.Deserialize<List<MadeCall>>(json, LightningJson.Options) ?? [];
            return string.Join('\n', calls.Select(LineOf));
        }
        catch (JsonException)
        {
            return "";
        }
    }

    private static string LineOf(MadeCall call)
    {
        var line = new StringBuilder($"[Tool: {call.ToolName}]");
        if (call.Arguments is { Length: > 0 and <= MostArguments } arguments)
        {
            line.Append(CultureInfo.InvariantCulture, $" Args: {arguments}");
        }

        if (call.Error is { Length: > 0 } error)
        {
            line.Append(CultureInfo.InvariantCulture, $" → Error: {error}");
        }
        else if (call.Result is { Length: > 0 and <= MostResult } result)
        {
            line.Append(CultureInfo.InvariantCulture, $" → {result}");
        }

        return line.ToString();
    }

    private sealed record AskedCall(string? Id, string? Name, string? Arguments);

    private sealed record MadeCall(string? ToolName, string? Arguments, string? Result, string? Error);
}
