using AgentLightning.Common;
using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace AgentLightning.Engine.Backends;

/// <summary>A value and the line it stands on, from 1.</summary>
/// <param name="Value">A string, long, double or bool; the source text of what is none of these.</param>
internal readonly record struct TomlValue(object Value, int Line);

/// <summary>What a TOML file says, flat, with the lines for messages.</summary>
internal static class TomlValues
{
    /// <summary>Every value under its full name, <c>table.subtable.key</c>; what stands in lists of tables is left out.</summary>
    /// <param name="name">The file, for messages.</param>
    /// <exception cref="LightningException">It is not TOML; the message names the line.</exception>
    public static IReadOnlyDictionary<string, TomlValue> Parse(string name, string text)
    {
        var document = SyntaxParser.Parse(text, name, validate: true);
        if (document.Diagnostics.FirstOrDefault(told => told.Kind == DiagnosticMessageKind.Error) is { } error)
        {
            throw LightningException.Invalid($"{name}, line {LineOf(error.Span)}: {Said(error, text)}");
        }

        var values = new Dictionary<string, TomlValue>(StringComparer.Ordinal);
        AddAll("", document.KeyValues);
        foreach (var table in document.Tables.OfType<TableSyntax>())
        {
            AddAll(NameOf(table.Name) + ".", table.Items);
        }

        return values;

        void AddAll(string prefix, IEnumerable<KeyValueSyntax> pairs)
        {
            foreach (var pair in pairs)
            {
                var full = prefix + NameOf(pair.Key);
                if (pair.Value is InlineTableSyntax table)
                {
                    AddAll(full + ".", table.Items.Select(item => item.KeyValue!));
                }
                else
                {
                    values[full] = new TomlValue(ValueOf(pair.Value), LineOf(pair.Span));
                }
            }
        }
    }

    private static object ValueOf(ValueSyntax? value) =>
        value switch
        {
            StringValueSyntax text => text.Value ?? "",
            IntegerValueSyntax whole => whole.Value,
            FloatValueSyntax real => real.Value,
            BooleanValueSyntax flag => flag.Value,
            _ => value?.ToString().Trim() ?? "",
        };

    private static string NameOf(KeySyntax? key) =>
        key is null ? "" : string.Join('.', key.DotKeys.Select(dotted => PartOf(dotted.Key)).Prepend(PartOf(key.Key)));

    private static string PartOf(BareKeyOrStringValueSyntax? part) =>
        part switch
        {
            BareKeySyntax bare => bare.Key?.Text ?? "",
            StringValueSyntax quoted => quoted.Value ?? "",
            _ => "",
        };

    private static int LineOf(SourceSpan span) => span.Start.Line + 1;

    /// <summary>What is wrong, unless it may quote a key.</summary>
    private static string Said(DiagnosticMessage error, string text)
    {
        var line = text.Split('\n').ElementAtOrDefault(error.Span.Start.Line) ?? "";
        return line.Contains("key", StringComparison.OrdinalIgnoreCase)
            ? "this is not TOML; texts stand in quotes."
            : OneLine.Of(error.Message);
    }
}
