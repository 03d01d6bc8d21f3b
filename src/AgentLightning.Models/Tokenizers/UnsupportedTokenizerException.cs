namespace AgentLightning.Models.Tokenizers;

/// <summary>
/// A tokenizer has a component or an option that is not implemented here. Going on would give other tokens than the model was trained on.
/// </summary>
public sealed class UnsupportedTokenizerException : NotSupportedException
{
    public UnsupportedTokenizerException(string component, string message)
        : base(message) => Component = component;

    /// <summary>Where it stands, as in <c>pre_tokenizer.pretokenizers[1]</c>.</summary>
    public string Component { get; }
}
