using System.Text.Json;

namespace AgentLightning.Models.Environments.Tools;

/// <summary>
/// Finds the calls in what a model says. What is meant as a call and cannot be read is a call with an error; what is not meant as one is
/// none.
/// </summary>
internal static class ToolCallReader
{
    private const string Open = "<tool_call>",
        Close = "</tool_call>",
        PythonTag = "<|python_tag|>",
        MistralTag = "[TOOL_CALLS]";
    private static readonly JsonDocumentOptions s_options = new() { MaxDepth = 32 };

    public static IReadOnlyList<ToolCall> Read(string text, ToolCallFormat format) =>
        format switch
        {
            ToolCallFormat.Hermes => Hermes(text),
            ToolCallFormat.Llama => Llama(text.Trim()),
            ToolCallFormat.Mistral => Mistral(text),
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, "There is no such format."),
        };

    private static List<ToolCall> Hermes(string text)
    {
        var calls = new List<ToolCall>();
        for (var at = text.IndexOf(Open, StringComparison.Ordinal); at >= 0; )
        {
            var from = at + Open.Length;
            var to = text.IndexOf(Close, from, StringComparison.Ordinal);
            at = text.IndexOf(Open, from, StringComparison.Ordinal);
            var isClosed = to >= 0 && (at < 0 || to < at);
            calls.Add(isClosed ? Parse(text[from..to], "arguments") : new ToolCall("", default, $"{Open} is not closed by {Close}"));
        }

        return calls;
    }

    private static List<ToolCall> Llama(string text)
    {
        var isTagged = text.StartsWith(PythonTag, StringComparison.Ordinal);
        var rest = isTagged ? text[PythonTag.Length..].Trim() : text;
        // An answer may be JSON too: only what has the name and the parameters of a call is one.
        var calls = Split(rest).Select(part => Parse(part, "parameters")).ToList();
        return isTagged || (rest.StartsWith('{') && calls.TrueForAll(call => call.Error is null)) ? calls : [];
    }

    private static List<ToolCall> Mistral(string text)
    {
        var at = text.IndexOf(MistralTag, StringComparison.Ordinal);
        if (at < 0)
        {
            return [];
        }

        try
        {
            using var list = JsonDocument.Parse(text[(at + MistralTag.Length)..], s_options);
            return list.RootElement.ValueKind == JsonValueKind.Array
                ? [.. list.RootElement.EnumerateArray().Select(call => Of(call, "arguments"))]
                : [new ToolCall("", default, $"after {MistralTag} there must be a list, but there is {list.RootElement.ValueKind}")];
        }
        catch (JsonException e)
        {
            return [NotJson(e)];
        }
    }

    /// <summary>At the semicolons outside of texts and braces.</summary>
    private static IEnumerable<string> Split(string text)
    {
        var (depth, inText, from) = (0, false, 0);
        for (var i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '\\' when inText:
                    i++;
                    break;
                case '"':
                    inText = !inText;
                    break;
                case '{' when !inText:
                    depth++;
                    break;
                case '}' when !inText:
                    depth--;
                    break;
                case ';' when !inText && depth == 0:
                    yield return text[from..i];
                    from = i + 1;
                    break;
            }
        }

        yield return text[from..];
    }

    private static ToolCall Parse(string json, string arguments)
    {
        try
        {
            using var document = JsonDocument.Parse(json, s_options);
            return Of(document.RootElement, arguments);
        }
        catch (JsonException e)
        {
            return NotJson(e);
        }
    }

    private static ToolCall Of(JsonElement call, string arguments)
    {
        if (call.ValueKind != JsonValueKind.Object || !call.TryGetProperty("name", out var name) || name.ValueKind != JsonValueKind.String)
        {
            return new ToolCall("", default, $"a call must be an object with 'name', a text, and '{arguments}', an object");
        }

        return call.TryGetProperty(arguments, out var given) && given.ValueKind == JsonValueKind.Object
            ? new ToolCall(name.GetString()!, given.Clone())
            : new ToolCall(name.GetString()!, default, $"the call must have '{arguments}', an object");
    }

    private static ToolCall NotJson(JsonException e) => new("", default, $"the call is not JSON (character {e.BytePositionInLine + 1})");
}
