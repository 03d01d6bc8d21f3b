using System.Text.Json;

namespace AgentLightning.Models.Generation.Grammars;

/// <summary>
/// What a completion may be, byte by byte: the JSON that a schema describes. A completion made with it is whole and valid, whatever the
/// model is: the rest of the schema is always kept within the tokens that are left.
/// </summary>
/// <remarks>
/// Of JSON Schema: <c>type</c> (one or several), <c>properties</c>, <c>required</c>, <c>additionalProperties</c> (true or false),
/// <c>items</c>, <c>minItems</c>, <c>maxItems</c>, <c>minLength</c>, <c>maxLength</c>, <c>pattern</c>, <c>format</c>, <c>minimum</c>,
/// <c>maximum</c>, <c>exclusiveMinimum</c>, <c>exclusiveMaximum</c>, <c>enum</c>, <c>const</c>, <c>anyOf</c>, <c>oneOf</c> (any one of the
/// options: whether another would fit as well is not looked at), <c>allOf</c> of one, and <c>$ref</c> within the schema, also to what it
/// lies in; nested as one likes, but a value has at most 64 objects and lists in each other. Any other keyword that says what is valid is
/// an error that names it. Properties come in the order of the schema, others than those never; between tokens there is at most one blank.
/// Numbers have up to 15 digits before and after the point, with bounds 6 after it.
/// </remarks>
public sealed class JsonGrammar
{
    private JsonGrammar(GrammarNode root)
    {
        Root =
            root.Shortest < GrammarNode.Never
                ? new StartNode(root)
                : throw new ArgumentException(
                    "The JSON schema at #: nothing is valid, because what it requires holds itself without an end, or has no value."
                );
    }

    /// <summary>Bytes of the shortest text that it allows; a completion must have as many tokens, because a byte may take one.</summary>
    public int Shortest => (int)Math.Min(Root.Shortest, int.MaxValue);

    internal GrammarNode Root { get; }

    /// <summary>Reads a schema.</summary>
    /// <exception cref="ArgumentException">It is not JSON, or no schema, or has a keyword that is not supported; the message has the place
    /// and the keyword.</exception>
    public static JsonGrammar Parse(string schema)
    {
        try
        {
            using var document = JsonDocument.Parse(schema);
            return Parse(document.RootElement);
        }
        catch (JsonException e)
        {
            throw new ArgumentException($"The schema is not JSON: {e.Message}", nameof(schema), e);
        }
    }

    /// <inheritdoc cref="Parse(string)"/>
    public static JsonGrammar Parse(JsonElement schema)
    {
        try
        {
            return new JsonGrammar(SchemaReader.Read(schema));
        }
        catch (InvalidOperationException e)
        {
            // Half a character, written as an escape.
            throw new ArgumentException($"The schema has a text that is no Unicode: {e.Message}", nameof(schema), e);
        }
    }
}
