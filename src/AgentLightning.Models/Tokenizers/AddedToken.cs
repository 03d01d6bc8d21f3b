namespace AgentLightning.Models.Tokenizers;

/// <summary>A token that is found in the text before anything is merged.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Content">Its text.</param>
/// <param name="Special">Steers the model and is not part of what it says: <see cref="Tokenizer.Decode"/> can leave it out.</param>
/// <param name="Normalized">Is looked for in the normalized text, and not in the text as given.</param>
/// <param name="SingleWord">Only counts where no letter, digit or underscore touches it.</param>
/// <param name="LeftStrip">Takes the white space before it along.</param>
/// <param name="RightStrip">Takes the white space after it along.</param>
public sealed record AddedToken(
    int Id,
    string Content,
    bool Special = false,
    bool Normalized = false,
    bool SingleWord = false,
    bool LeftStrip = false,
    bool RightStrip = false
)
{
    internal static AddedToken Read(ComponentJson json, int? id = null)
    {
        var special = json.Bool("special", false);
        var token = new AddedToken(
            id ?? json.Int("id"),
            json.String("content"),
            special,
            json.Bool("normalized", !special),
            json.Bool("single_word", false),
            json.Bool("lstrip", false),
            json.Bool("rstrip", false)
        );
        json.OptionalString("__type");
        json.Done();
        return token.Content.Length > 0 ? token : throw new InvalidDataException($"{json.Path}.content is empty.");
    }
}
