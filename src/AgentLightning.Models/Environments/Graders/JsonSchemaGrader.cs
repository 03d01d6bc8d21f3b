using System.Text.Json;

namespace AgentLightning.Models.Environments.Graders;

/// <summary>1 when a text is JSON that fits a schema, else 0.</summary>
internal sealed class JsonSchemaGrader : IGrader
{
    private readonly GraderTemplate _input;
    private readonly JsonElement _schema;

    public JsonSchemaGrader(GraderTemplate input, JsonElement schema)
    {
        JsonSchemaCheck.Require(schema, "schema");
        (_input, _schema) = (input, schema);
    }

    public ValueTask<double> GradeAsync(GraderInput graded, CancellationToken cancellationToken)
    {
        try
        {
            using var document = JsonDocument.Parse(_input.Fill(graded));
            return ValueTask.FromResult(JsonSchemaCheck.Fits(_schema, document.RootElement) ? 1.0 : 0);
        }
        catch (JsonException)
        {
            return ValueTask.FromResult(0.0);
        }
    }
}
