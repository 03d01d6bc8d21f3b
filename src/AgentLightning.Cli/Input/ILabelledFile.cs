namespace AgentLightning.Cli.Input;

/// <summary>A user's own labelled data.</summary>
internal interface ILabelledFile
{
    /// <summary>Where it lies.</summary>
    string Path { get; }

    /// <summary>One: the text. Several: the first is the title, the others together are the text.</summary>
    IReadOnlyList<string> TextColumns { get; }

    string LabelColumn { get; }

    /// <summary>
    /// Reads row by row. Anything wrong with the file is <see cref="AgentLightning.Common.ErrorKind.Invalid"/>, naming file and row.
    /// </summary>
    IEnumerable<LabelledItem> Read();
}
