namespace AgentLightning.Datasets;

/// <summary>What the rows of a data set are. Stored as these words.</summary>
public enum DatasetKind
{
    /// <summary>Inputs with the choice that is right and the choices that were made: <see cref="DatasetExample"/>.</summary>
    Classification,

    /// <summary>Conversations to learn from as they are, tool calls among them: <see cref="ChatRow"/>.</summary>
    Chat,

    /// <summary>Two answers to one input, one better than the other: <see cref="PreferenceRow"/>.</summary>
    Preference,

    /// <summary>Inputs to try answers on, with what was tried and how good it was: <see cref="PromptRow"/>.</summary>
    Prompts,
}
