using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;

namespace AgentLightning.Engine.Chat;

/// <summary>
/// Tells calls of functions from the text of an answer as it comes. What may become a call is held back; what turns out to be none, because
/// it is no JSON or has no name, is text.
/// </summary>
/// <param name="isCall">Whether the answer is known to be one call, from its first character on.</param>
internal sealed partial class ToolCallStream(ToolForm form, bool isCall)
{
    private readonly bool _isWhole = isCall || form == ToolForm.Bare || form == ToolForm.List;
    private string _held = "";
    private bool _isOpen = isCall,
        _isText;

    /// <summary>What of the answer is text for sure by now.</summary>
    public string Push(string text)
    {
        if (_isText)
        {
            return text;
        }

        _held += text;
        if (_isOpen)
        {
            return "";
        }

        if (form.Marker.Length == 1)
        {
            var start = _held.AsSpan().TrimStart();
            _isOpen = start.Length > 0 && start[0] == form.Marker[0];
            _isText = start.Length > 0 && !_isOpen;
            return _isText ? Take(_held.Length) : "";
        }

        var at = _held.IndexOf(form.Marker, StringComparison.Ordinal);
        _isOpen = at >= 0;
        // Blanks before a call are the template's, which writes them again.
        return Take(_held.AsSpan(0, _isOpen ? at : _held.Length - Begun()).TrimEnd().Length);
    }

    /// <summary>Text and calls that were held back, at the end of the answer.</summary>
    public (string Text, IReadOnlyList<FunctionCallContent> Calls) Finish()
    {
        var calls = new List<FunctionCallContent>();
        var text =
            !_isOpen ? _held
            : _isWhole ? Whole(_held, calls)
            : form == ToolForm.Line
                ? Line().Replace(_held, line => CallOf(line.Groups["name"].Value, line.Groups["arguments"].Value, calls) ? "" : line.Value)
            : Tag().Replace(_held, tag => Whole(tag.Groups["call"].Value, calls).Length == 0 ? "" : tag.Value);
        return (calls.Count > 0 ? text.Trim() : text, calls);
    }

    private string Take(int length)
    {
        var text = _held[..length];
        _held = _held[length..];
        return text;
    }

    /// <summary>How much of the end may be the beginning of a call.</summary>
    private int Begun()
    {
        for (var length = Math.Min(form.Marker.Length - 1, _held.Length); length > 0; length--)
        {
            if (_held.EndsWith(form.Marker[..length], StringComparison.Ordinal))
            {
                return length;
            }
        }

        return 0;
    }

    /// <summary>Reads a call or a list of them, and gives what is none.</summary>
    private string Whole(string text, List<FunctionCallContent> calls)
    {
        if (ObjectOf(text) is not { } json)
        {
            return text;
        }

        JsonElement[] all = json.ValueKind == JsonValueKind.Array ? [.. json.EnumerateArray()] : [json];
        FunctionCallContent?[] read = [.. all.Select(CallOf)];
        if (read.Length == 0 || read.Contains(null))
        {
            return text;
        }

        calls.AddRange(read!);
        return "";
    }

    private FunctionCallContent? CallOf(JsonElement call)
    {
        if (call.ValueKind != JsonValueKind.Object || !call.TryGetProperty("name", out var name) || name.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        var given = call.TryGetProperty(form.Arguments, out var arguments) ? arguments : default;
        // Some models write the arguments as a text that holds JSON.
        given = given.ValueKind == JsonValueKind.String ? ObjectOf(given.GetString()!) ?? given : given;
        return given.ValueKind is JsonValueKind.Object or JsonValueKind.Undefined or JsonValueKind.Null
            ? Call(name.GetString()!, given)
            : null;
    }

    private static bool CallOf(string name, string arguments, List<FunctionCallContent> calls)
    {
        var json = arguments.Trim().Length == 0 ? default(JsonElement) : ObjectOf(arguments);
        if (json is not { ValueKind: JsonValueKind.Object or JsonValueKind.Undefined } given)
        {
            return false;
        }

        calls.Add(Call(name, given));
        return true;
    }

    private static FunctionCallContent Call(string name, JsonElement arguments) =>
        new(
            $"call-{Guid.CreateVersion7():N}",
            name,
            arguments.ValueKind == JsonValueKind.Object
                ? arguments.EnumerateObject().ToDictionary(argument => argument.Name, argument => (object?)argument.Value)
                : new Dictionary<string, object?>()
        );

    private static JsonElement? ObjectOf(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            // What a model writes need not be JSON: then it is text.
            return null;
        }
    }

    [GeneratedRegex(@"<tool_call>\s*(?<call>.*?)\s*(</tool_call>|\z)", RegexOptions.Singleline)]
    private static partial Regex Tag();

    [GeneratedRegex(@"TOOL_CALL:[ \t]*(?<name>[\w.-]+)\((?<arguments>.*)\)[ \t]*(?=\r?\n|\z)")]
    private static partial Regex Line();
}
