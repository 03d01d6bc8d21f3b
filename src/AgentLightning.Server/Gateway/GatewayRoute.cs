namespace AgentLightning.Server.Gateway;

/// <summary>What is asked of a model server.</summary>
internal enum ModelRoute
{
    Chat,
    Completions,
    Embeddings,
    Responses,
}

/// <summary>What differs between them.</summary>
internal static class ModelRoutes
{
    public static string Path(this ModelRoute route) =>
        route switch
        {
            ModelRoute.Chat => "/chat/completions",
            ModelRoute.Completions => "/completions",
            ModelRoute.Embeddings => "/embeddings",
            _ => "/responses",
        };

    /// <summary>Whether its streams end with <c>[DONE]</c>, and its choices with a reason.</summary>
    public static bool HasChoices(this ModelRoute route) => route is ModelRoute.Chat or ModelRoute.Completions;
}

/// <summary>Marks an endpoint whose errors are in OpenAI's form.</summary>
internal sealed record SpeaksOpenAi;
